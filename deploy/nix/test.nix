# The module on a machine of its own, behind nginx: nix build 'URL-OF-THIS-REPOSITORY?dir=deploy#checks.x86_64-linux.vm'
{ pkgs, ... }:

let
  secrets = pkgs.runCommand "secrets" { nativeBuildInputs = [ pkgs.openssl ]; } ''
    mkdir $out && cd $out
    openssl genrsa -out app.pem 2048
    echo secret >webhook
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ci.example.org -days 3650 -keyout tls.key -out tls.crt
  '';
in
{
  name = "ekaci";

  nodes.bot = {
    imports = [ ./module.nix ];
    # A test's secrets may be in the store; their names here are not.
    systemd.tmpfiles.rules = [
      "C /run/app.pem 0400 root root - ${secrets}/app.pem"
      "C /run/webhook 0400 root root - ${secrets}/webhook"
    ];
    services.ekaci = {
      enable = true;
      url = "https://ci.example.org";
      appId = "1";
      privateKeyFile = "/run/app.pem";
      webhookSecretFile = "/run/webhook";
      reverseProxy = "nginx";
      evaluators = [ ]; # the built-in one
      settings.github.api_url = "http://127.0.0.1:1"; # nobody outside is asked
    };
    services.nginx.virtualHosts."ci.example.org" = {
      enableACME = false;
      sslCertificate = "${secrets}/tls.crt";
      sslCertificateKey = "${secrets}/tls.key";
    };
    networking.hosts."127.0.0.1" = [ "ci.example.org" ];
  };

  testScript = ''
    bot.wait_for_unit("ekaci.service")
    bot.wait_for_unit("nginx.service")
    bot.wait_for_open_port(443)

    with subtest("operators' commands are on PATH and find the bot without a secret"):
        bot.succeed("ekaci --version")
        bot.succeed("ekaci status --json")
        bot.succeed("curl -sf http://127.0.0.1:3030/healthz")
        bot.succeed("curl -sf http://127.0.0.1:3030/metrics | grep ekaci_build_info")

    with subtest("its user evaluates in a sandbox, by the daemon"):
        said = bot.succeed("runuser -u ekaci -- ekaci check-config || true")
        assert "evaluations: in a sandbox" in said, said
        assert "store: by Nix' daemon" in said, said

    with subtest("only pages and webhooks are public"):
        def status(path, more=""):
            return bot.succeed(f"curl -sk -o /dev/null -w '%{{http_code}}' {more} https://ci.example.org{path}")
        assert status("/") == "200"
        assert status("/metrics") == "404"
        assert status("/readyz") == "404"
        assert status("/webhook", "-X POST -d x") in ("400", "401", "403")

    with subtest("it reads its settings again, and comes back"):
        bot.succeed("systemctl reload ekaci")
        bot.succeed("systemctl kill -s KILL ekaci")
        bot.wait_until_succeeds("curl -sf http://127.0.0.1:3030/healthz")
  '';
}
