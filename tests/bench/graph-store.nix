# A closure shaped like a package set's: n packages, most with a source of their own, some four inputs
# each, and as much text as a real package carries. nix-instantiate writes the .drv files.
{ n ? 12250 }:

let
  range = builtins.genList (i: i);
  words = builtins.concatStringsSep "\n" (range' 60);
  range' = k: map (i: "install -D file-${toString i} $out/share/some-package/file-${toString i}") (range k);
  mod = a: b: a - b * (a / b);

  source = i: derivation {
    name = "source-${toString i}.tar.gz";
    system = "x86_64-linux";
    builder = "/bin/sh";
    urls = [ "mirror://somewhere/source-${toString i}.tar.gz" ];
    inputs = map (k: builtins.elemAt bootstrap k) [ 0 1 2 ];
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" (toString i);
  };

  bootstrap = map (i: derivation {
    name = "bootstrap-${toString i}";
    system = "x86_64-linux";
    builder = "/bin/sh";
  }) (range 40);

  # A package needs six of the bootstrap, up to five packages of lower number, two sources of its own.
  package = i: derivation {
    name = "package-${toString i}-1.0";
    version = "1.0";
    system = "x86_64-linux";
    builder = "/bin/sh";
    src = source i;
    patches = if mod i 4 != 0 then [ (source (i + 100000)) ] else [ ];
    stdenv = map (k: builtins.elemAt bootstrap (mod (i * 7 + k) 40)) (range 6);
    buildInputs =
      if i < 100 then [ ]
      else map (k: builtins.elemAt packages (mod (i * (31 + 2 * k) + k) (i - 50))) (range 5);
    installPhase = words;
    outputs = [ "out" "dev" ];
  };
  packages = map package (range n);
in
derivation {
  name = "all";
  system = "x86_64-linux";
  builder = "/bin/sh";
  inherit packages;
}
