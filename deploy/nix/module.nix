# ekaci as a NixOS service:
#
#   imports = [ ekaci.nixosModules.default ];
#   services.ekaci = {
#     enable = true;
#     url = "https://ci.example.org";
#     appId = "12345";
#     privateKeyFile = "/run/secrets/ekaci.pem";       # read by systemd, handed over as credentials
#     webhookSecretFile = "/run/secrets/ekaci-webhook";
#     settings.build.slots = 8;                        # anything of ekaci.toml.example
#   };
#   services.nginx.virtualHosts."ci.example.org".locations."/".proxyPass = "http://127.0.0.1:3030";
{ config, lib, pkgs, ... }:

let
  cfg = config.services.ekaci;
  toml = pkgs.formats.toml { };
  file = toml.generate "ekaci.toml" cfg.settings;
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
      type = lib.types.str;
      example = "https://ci.example.org";
      description = "Where people and GitHub reach the bot.";
    };
    appId = lib.mkOption {
      type = lib.types.str;
      description = "The GitHub App's client ID or number.";
    };
    privateKeyFile = lib.mkOption {
      type = lib.types.str;
      description = "File on the machine with the App's private key.";
    };
    webhookSecretFile = lib.mkOption {
      type = lib.types.str;
      description = "File on the machine with the App's webhook secret.";
    };
    evaluators = lib.mkOption {
      type = lib.types.listOf lib.types.package;
      default = [ pkgs.nix-eval-jobs ];
      defaultText = lib.literalExpression "[ pkgs.nix-eval-jobs ]";
      description = "Packages with nix-eval-jobs; without any the built-in evaluator is used.";
    };
    settings = lib.mkOption {
      type = toml.type;
      default = { };
      description = "ekaci.toml; every key stands in deploy/ekaci.toml.example.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.ekaci.settings = {
      web.url = cfg.url;
      state.dir = lib.mkDefault "/var/lib/ekaci";
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
        ExecReload = "${pkgs.coreutils}/bin/kill -HUP $MAINPID";
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
