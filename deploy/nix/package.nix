# ekaci for nixpkgs: callPackage ./package.nix { }. Names are nixpkgs'.
{ lib
, stdenv
, pkg-config
, makeWrapper
, libmicrohttpd
, curl
, openssl
, jansson
, libgit2
, sqlite
, libuv
, zstd
, zlib
, fuse3
, simdjson
, cmark-gfm
, tomlplusplus
, git
, bubblewrap
, openssh
}:

stdenv.mkDerivation {
  pname = "ekaci";
  version = builtins.replaceStrings [ "\n" ] [ "" ] (builtins.readFile ../../VERSION);

  src = builtins.path {
    name = "ekaci-source";
    path = ../..;
    filter = path: type: !builtins.elem (baseNameOf path) [ ".git" "node_modules" ] && path != toString ../../build;
  };

  nativeBuildInputs = [ pkg-config makeWrapper ];
  buildInputs = [
    libmicrohttpd
    curl
    openssl
    jansson
    libgit2
    sqlite
    libuv
    zstd
    zlib
    fuse3
    simdjson
    cmark-gfm
    tomlplusplus
  ];

  enableParallelBuilding = true;
  installFlags = [ "PREFIX=$(out)" ];

  # Nix itself is the machine's own: its store and daemon are what ekaci builds with.
  postInstall = ''
    wrapProgram $out/bin/ekaci --prefix PATH : ${lib.makeBinPath [ git bubblewrap openssh ]}
  '';

  meta = {
    description = "Reports on every pull request of a Nix repository what the change rebuilds, why, and whether it still builds";
    license = lib.licenses.mit;
    mainProgram = "ekaci";
    platforms = lib.platforms.linux;
  };
}
