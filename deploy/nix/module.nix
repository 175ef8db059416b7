# ekaci as a NixOS service:
#
#   imports = [ ekaci.nixosModules.default ];
#   services.ekaci = {
#     enable = true;
#     url = "https://ci.example.org";
#     appId = "12345";
#     privateKeyFile = "/run/secrets/ekaci.pem";       # read by systemd, handed over as credentials
#     webhookSecretFile = "/run/secrets/ekaci-webhook";
#     reverseProxy = "nginx";                          # or "caddy": TLS, and only what is meant to be public
#     settings.build.slots = 8;                        # anything of ekaci.toml.example
#   };
#   security.acme = { acceptTerms = true; defaults.email = "you@example.org"; }; # for nginx; Caddy needs nothing
#   networking.firewall.allowedTCPPorts = [ 80 443 ];
{ config, lib, pkgs, ... }:

let
  cfg = config.services.ekaci;
  toml = pkgs.formats.toml { };
  # What is null is left out, and ekaci's own default counts.
  given = set: builtins.mapAttrs (_: keys: lib.filterAttrs (_: value: value != null) keys) set;
  file = toml.generate "ekaci.toml" (given cfg.settings);
  host = builtins.elemAt (builtins.match "https?://([^/:]+).*" cfg.url) 0;
  listen = cfg.settings.web.listen;

  # The inside of the site in deploy/nginx.conf or deploy/Caddyfile, after a line that ends so: what is public is said there, once.
  inside = example: after:
    lib.removeSuffix "}\n" (lib.last (lib.splitString after
      (builtins.replaceStrings [ "127.0.0.1:3030" ] [ listen ] (builtins.readFile example))));

  setting = type: description: lib.mkOption { type = lib.types.nullOr type; default = null; inherit description; };
in
{
  options.services.ekaci = {
    enable = lib.mkEnableOption "ekaci, a GitHub App that reports what a pull request of a Nix repository rebuilds";
    package = lib.mkOption {
      type = lib.types.package;
      default = pkgs.callPackage ./package.nix { };
      defaultText = lib.literalExpression "pkgs.callPackage ./package.nix { }";
      description = "The package to run.";
    };
    url = lib.mkOption {
      type = lib.types.strMatching "https?://[^/ ]+";
      example = "https://ci.example.org";
      description = "Where people and GitHub reach the bot, without a slash at the end.";
    };
    appId = lib.mkOption {
      type = lib.types.either lib.types.ints.positive (lib.types.strMatching "[A-Za-z0-9.]+");
      apply = toString;
      example = "Iv1.0000000000000000";
      description = "The GitHub App's client ID or number.";
    };
    privateKeyFile = lib.mkOption {
      type = lib.types.strMatching "/.+";
      example = "/run/secrets/ekaci.pem";
      description = "File on the machine with the App's private key. Never in the Nix store, which everybody reads.";
    };
    webhookSecretFile = lib.mkOption {
      type = lib.types.strMatching "/.+";
      example = "/run/secrets/ekaci-webhook";
      description = "File on the machine with the App's webhook secret.";
    };
    evaluators = lib.mkOption {
      type = lib.types.listOf lib.types.package;
      default = [ pkgs.nix-eval-jobs ];
      defaultText = lib.literalExpression "[ pkgs.nix-eval-jobs ]";
      description = "Packages with nix-eval-jobs; without any the built-in evaluator is used.";
    };
    reverseProxy = lib.mkOption {
      type = lib.types.nullOr (lib.types.enum [ "nginx" "caddy" ]);
      default = null;
      description = ''
        Has that server answer for the host of `url`, with TLS, and hand over what is public: pages and webhooks. /metrics and /readyz
        are not; they are asked for on the machine itself. Null: you do it yourself.
      '';
    };
    socket = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Has systemd hold the address open, so that nobody who calls while the bot is started again is refused.";
    };
    settings = lib.mkOption {
      default = { };
      description = "ekaci.toml; every key stands in deploy/ekaci.toml.example, whether it is named here or not.";
      type = lib.types.submodule {
        freeformType = toml.type;
        options = {
          web.listen = lib.mkOption {
            type = lib.types.strMatching ".+:[0-9]+";
            default = "127.0.0.1:3030";
            description = "Address and port of the HTTP server.";
          };
          evaluate.workers = setting lib.types.ints.unsigned "Evaluations side by side; 0 is one a core.";
          evaluate.max_memory_mb = setting lib.types.ints.positive "Memory of each, MiB.";
          evaluate.sandbox = setting (lib.types.enum [ "require" "auto" "off" ]) "Whether an evaluation without a sandbox may be.";
          build.enabled = setting lib.types.bool "False: report only.";
          build.slots = setting lib.types.ints.positive "Builds at once on this machine, per system.";
          build.builders = setting lib.types.str "\"@/etc/nix/machines\", or the machine lines themselves. The bot becomes a trusted user of Nix then.";
          cache.push = setting (lib.types.listOf lib.types.str) "Where Nix copies what was built.";
          trust.forks = setting (lib.types.enum [ "approve" "evaluate" "build" ]) "What a pull request from a fork may do before it is approved.";
          report.comment = setting (lib.types.enum [ "always" "changes" "failures" "never" ]) "When there is a comment.";
          report.labels = setting lib.types.bool "Labels by number of rebuilds and kind of change.";
        };
      };
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = map
      (name: {
        assertion = !lib.hasPrefix builtins.storeDir cfg.${name};
        message = "services.ekaci.${name} is in the Nix store, which everybody on the machine can read: name a file elsewhere.";
      }) [ "privateKeyFile" "webhookSecretFile" ];

    services.ekaci.settings = {
      web.url = cfg.url;
      state.dir = "/var/lib/ekaci";
      github = {
        app_id = cfg.appId;
        private_key_file = "$private-key";
        webhook_secret_file = "$webhook-secret";
      };
    };

    # Where operators' commands look: ekaci status, retry and their like need no --config, and no secret.
    environment.etc."ekaci/ekaci.toml".source = file;
    environment.systemPackages = [ cfg.package ];

    users.users.ekaci = {
      isSystemUser = true;
      group = "ekaci";
      home = "/var/lib/ekaci";
    };
    users.groups.ekaci = { };

    # The daemon lets trusted users only say where a build goes.
    nix.settings = lib.mkIf (cfg.settings.build.builders != null && cfg.settings.build.builders != "") {
      trusted-users = [ "ekaci" ];
    };

    services.nginx = lib.mkIf (cfg.reverseProxy == "nginx") {
      enable = true;
      virtualHosts.${host} = {
        forceSSL = lib.mkDefault true;
        enableACME = lib.mkDefault true;
        extraConfig = inside ../nginx.conf "privkey.pem;\n";
      };
    };
    services.caddy = lib.mkIf (cfg.reverseProxy == "caddy") {
      enable = true;
      virtualHosts.${host}.extraConfig = inside ../Caddyfile "\nci.example.org {\n";
    };

    systemd.sockets.ekaci = lib.mkIf cfg.socket {
      description = "Address of ekaci";
      wantedBy = [ "sockets.target" ];
      listenStreams = [ listen ];
      socketConfig.Backlog = 1024;
    };

    systemd.services.ekaci = {
      description = "ekaci, what a change of a Nix repository rebuilds";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" "nix-daemon.socket" ];
      path = [ config.nix.package ] ++ cfg.evaluators;
      # Settings are read again while it runs; what needs a start is said in the log.
      reloadTriggers = [ file ];
      serviceConfig = {
        ExecStart = "${cfg.package}/bin/ekaci serve --config /etc/ekaci/ekaci.toml";
        LoadCredential = [
          "private-key:${cfg.privateKeyFile}"
          "webhook-secret:${cfg.webhookSecretFile}"
        ];
        # The rest is deploy/ekaci.service's, and its reasons stand there.
        Type = "notify";
        ExecReload = "/bin/sh -c 'kill -HUP $MAINPID'";
        Restart = "on-failure";
        RestartSec = 5;
        WatchdogSec = 60;
        User = "ekaci";
        Group = "ekaci";
        StateDirectory = "ekaci";
        StateDirectoryMode = "0750";
        KillMode = "mixed";
        TimeoutStopSec = 30;
        Delegate = "memory pids";
        ProtectSystem = "strict";
        ProtectHome = true;
        PrivateTmp = true;
        PrivateDevices = true;
        PrivateMounts = true;
        ProtectKernelModules = true;
        ProtectClock = true;
        RestrictAddressFamilies = [ "AF_INET" "AF_INET6" "AF_UNIX" "AF_NETLINK" ];
        RestrictNamespaces = "user mnt net pid ipc uts cgroup";
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        RemoveIPC = true;
        LockPersonality = true;
        MemoryDenyWriteExecute = true;
        NoNewPrivileges = true;
        CapabilityBoundingSet = "";
        SystemCallArchitectures = "native";
        SystemCallFilter = "@system-service @mount sethostname seccomp";
        SystemCallErrorNumber = "EPERM";
        UMask = "0077";
        LimitNOFILE = 65536;
      };
    };
  };
}
