# nix run 'URL-OF-THIS-REPOSITORY?dir=deploy' -- diff main HEAD
{
  description = "What a change of a Nix repository rebuilds, why, and whether it still builds";

  inputs.nixpkgs.url = "nixpkgs";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      each = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (pkgs: { default = pkgs.callPackage ./nix/package.nix { }; });
      overlays.default = final: prev: { ekaci = final.callPackage ./nix/package.nix { }; };
      nixosModules.default = ./nix/module.nix;
      # A machine is started for it: not part of `make check`.
      checks.x86_64-linux.vm = nixpkgs.legacyPackages.x86_64-linux.testers.runNixOSTest ./nix/test.nix;
    };
}
