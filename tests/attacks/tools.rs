//! A tool that was lent a credential is asked to hand it over.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use crate::support::postgres;
use crate::support::site::{Setup, Site, words};

const TOKEN: &str = "a-token-that-stays-where-it-is-z9x8c7";

/// Everything is permitted, so that only the delivery is between the agent and the token.
const LENDS: &str = r#"
@id("all") permit(principal, action, resource) unless { action in [Action::"http.get", Action::"http.send"] };
@id("api") @grant("api") permit(principal, action in [Action::"http.get", Action::"http.send"], resource);
"#;

/// An API that answers with the body that it was sent; its address.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
            let head = head.to_ascii_lowercase();
            assert!(head.contains(&format!("authorization: bearer {TOKEN}\r\n")), "{head}");
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next()?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            if head.contains("expect: 100-continue") {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
            }
            reader.read_exact(&mut body).unwrap();
            let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(answer.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    address
}

fn lending(url: &str) -> Site {
    let credential =
        format!("[[credential]]\nname = \"api\"\nkind = \"token\"\nurl = \"{url}\"\ntoken_file = \"data/token\"\n");
    let site = Site::with(&Setup { policy: LENDS, server: &credential, ..Setup::default() });
    fs::write(site.path("data/token"), TOKEN).unwrap();
    site
}

#[test]
fn the_memory_file_with_the_credential_read_by_the_tool_itself() {
    let url = echo();
    let site = lending(&url);
    let fetched = site.shim("curl").args(["-sS", "-d", "hello", &url]).output().unwrap();
    assert_eq!(fetched.stdout, b"hello", "the token arrives: {}", words(&fetched));
    for number in 3..12 {
        let memory = format!("/proc/self/fd/{number}");
        let link = site.path("work/link");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(&memory, &link).unwrap();
        let lines: [&[&str]; 8] = [
            &[&format!("file://{memory}"), &url],
            &["-d", &format!("@{memory}"), &url],
            &["--data-binary", "@link", &url],
            &["-F", &format!("f=@{memory};type=text/plain"), &url],
            &["-F", &format!("f=<{memory}"), &url],
            &["-T", "link", &url],
            &["-H", &format!("@{memory}"), "-d", "x", &url],
            &["-w", &format!("@{memory}"), &url],
        ];
        for line in lines {
            let out = site.path("work/out");
            let _ = fs::remove_file(&out);
            // Into a file, where nothing of ours could mask it.
            let ran = site.shim("curl").args(["-sS", "-m", "5", "-o", "out"]).args(line).output().unwrap();
            let mut got = fs::read(&out).unwrap_or_default();
            got.extend_from_slice(&ran.stdout);
            let stolen = got.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes());
            assert!(!stolen, "curl {line:?}: {} {}", words(&ran), got.escape_ascii());
        }
    }
}

/// A name that is looked up and an address that is connected to tell somebody something, also where no request follows.
#[test]
fn a_connection_that_ends_before_its_request() {
    let policy = r#"@id("local") permit(principal, action, resource)
        unless { action in [Action::"http.get", Action::"http.send", Action::"http.other"] };"#;
    let site = Site::with(&Setup { policy, ..Setup::default() });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let at = listener.local_addr().unwrap();
    let (http, https, socks) = (format!("http://{at}/"), format!("https://{at}/"), format!("socks4://{at}"));
    let lines: [&[&str]; 5] = [
        &["--tlsv1.3", "--tls-max", "1.2", &https],
        &["-u", "a:b", "--aws-sigv4", "", &http],
        &["-x", &socks, "http://[::1]/"],
        &["-Z", "--fail-early", "foo://x", "--next", &http],
        &["-Z", "--fail-early", "--proto", "=https", "http://a.test/", "--next", &http],
    ];
    for line in lines {
        let ran = site.shim("curl").args(["-sS", "-m", "5"]).args(line).output().unwrap();
        assert_eq!(ran.status.code(), Some(126), "curl {line:?}: {}", words(&ran));
        assert!(listener.accept().is_err(), "curl {line:?} connected");
    }
}

/// Who answers for names learns them, and says where the request goes.
#[test]
fn a_server_of_names_that_policy_was_not_asked_about() {
    let policy = r#"@id("all") permit(principal, action, resource);
        @id("one") forbid(principal, action in [Action::"http.get", Action::"http.send", Action::"http.other"], resource)
        unless { resource.host == "a.test" };"#;
    let site = Site::with(&Setup { policy, ..Setup::default() });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let at = listener.local_addr().unwrap();
    let (names, directory) = (format!("https://{at}/stolen"), format!("[x]\nldap://{at}/dc=stolen?a?one?(cn=x)\n"));
    let service = site.path("work/service");
    fs::write(&service, directory).unwrap();
    let lines: [&[&str]; 5] = [
        &["curl", "-sS", "-m", "5", "--doh-url", &names, "http://a.test/"],
        // What comes to no request at its own host has asked for names before.
        &["curl", "-sS", "-m", "5", "--doh-url", &names, "--tlsv1.3", "--tls-max", "1.2", "https://a.test/"],
        &["curl", "-sS", "-m", "5", "--doh-url", &names, "-u", "a:b", "--aws-sigv4", "", "http://a.test/"],
        &["curl", "-sS", "-m", "5", "--interface", "host!stolen.b.test", "http://a.test/"],
        &["psql", "service=x", "-c", "select 1"],
    ];
    for line in lines {
        let ran = site.shim(line[0]).env("PGSERVICEFILE", &service).args(&line[1..]).output().unwrap();
        assert_eq!(ran.status.code(), Some(126), "{line:?}: {}", words(&ran));
        assert!(listener.accept().is_err(), "{line:?} connected");
    }
}

/// git asks whoever promised an object that is not here, and whoever bundles or a prefetch names.
#[test]
fn a_repository_that_git_asks_beside_the_lines_own() {
    let policy = r#"@id("all") permit(principal, action, resource);
        @id("one") forbid(principal, action == Action::"git.fetch", resource) unless { resource.host == "a.test" };"#;
    let site = Site::with(&Setup { policy, ..Setup::default() });
    let made = Command::new("git").args(["init", "-q"]).arg(site.path("work")).status().unwrap();
    assert!(made.success());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let at = format!("http://{}/stolen", listener.local_addr().unwrap());
    let (url, bundle) = (format!("remote.e.url={at}"), format!("--bundle-uri={at}"));
    let lines: [&[&str]; 3] = [
        &["-c", &url, "-c", "remote.e.promisor=true", "cat-file", "-e", "1234567812345678123456781234567812345678"],
        &["-c", &url, "maintenance", "run", "--task=prefetch"],
        &["clone", &bundle, "http://a.test/x"],
    ];
    for line in lines {
        let ran = site.shim("git").args(line).output().unwrap();
        assert_eq!(ran.status.code(), Some(126), "git {line:?}: {}", words(&ran));
        assert!(listener.accept().is_err(), "git {line:?} connected");
    }
}

/// An address may hold what is to be carried out, and kubectl asks each server what it offers.
#[test]
fn a_server_of_the_lines_own_that_is_only_asked_for_its_version() {
    let policy = r#"@id("all") permit(principal, action, resource);
        @id("one") forbid(principal, action == Action::"k8s.get", resource)
        unless { resource in Cluster::"https://one.test:6443" };"#;
    let site = Site::with(&Setup { policy, ..Setup::default() });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let server = format!("--server=http://{}/stolen", listener.local_addr().unwrap());
    for line in ["version", "api-resources", "explain pods", "delete pods"] {
        let ran = site.shim("kubectl").args([&server, "--request-timeout=1s"]).args(line.split(' ')).output().unwrap();
        assert_eq!(ran.status.code(), Some(126), "kubectl {line}: {}", words(&ran));
        assert!(listener.accept().is_err(), "kubectl {line} connected");
    }
}

/// A library whose loading leaves a file behind, and that file.
fn library(site: &Site) -> (PathBuf, PathBuf) {
    let (evil, marker) = (site.path("work/evil.so"), site.path("work/loaded"));
    let source = format!(
        "#include <fcntl.h>\n__attribute__((constructor)) static void f(void) {{ open(\"{}\", O_CREAT | O_WRONLY, 0600); }}\n",
        marker.display()
    );
    fs::write(site.path("work/evil.c"), source).unwrap();
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&evil).arg(site.path("work/evil.c")).output().unwrap();
    assert!(built.status.success(), "{}", words(&built));
    (evil, marker)
}

#[test]
fn variables_that_open_the_tool_or_lead_it_elsewhere() {
    let url = echo();
    let site = lending(&url);
    let (evil, marker) = library(&site);
    let conf = format!(
        "openssl_conf = a\n[a]\nengines = b\n[b]\nc = d\n[d]\nengine_id = e\ndynamic_path = {}\ninit = 0\n",
        evil.display()
    );
    fs::write(site.path("work/openssl.cnf"), conf).unwrap();
    // Bare, it works.
    let load = |command: &mut Command| {
        let ran =
            command.env("OPENSSL_CONF", site.path("work/openssl.cnf")).args(["-sS", "-d", "x", &url]).output().unwrap();
        (ran.status.success(), fs::remove_file(&marker).is_ok())
    };
    assert!(load(Command::new("/usr/bin/curl").args(["-H", &format!("Authorization: Bearer {TOKEN}")])).1);
    assert_eq!(load(&mut site.shim("curl")), (true, false));
}

/// libpq asks for a Kerberos ticket before it connects, and the file of this variable says which libraries know how.
#[test]
fn a_mechanism_of_gssapi_in_a_psql_that_was_lent_a_role() {
    let database = postgres::database();
    let site = lending_role(&database, "");
    let (evil, marker) = library(&site);
    let mechanisms = site.path("work/mech");
    fs::write(&mechanisms, format!("evil 1.3.6.1.4.1.9999.1 {}\n", evil.display())).unwrap();
    let load = |command: &mut Command| {
        command.args(["-X", "-w", "-h", "127.0.0.1", "-p", &database.port.to_string(), "-d", &database.name]);
        let ran = command.env("GSS_MECH_CONFIG", &mechanisms).args(["-Atc", "SELECT 41 + 1"]).output().unwrap();
        (ran.stdout == b"42\n", fs::remove_file(&marker).is_ok())
    };
    // Bare, it works, though nobody is let in.
    assert_eq!(load(&mut Command::new("/usr/bin/psql")), (false, true));
    assert_eq!(load(&mut site.shim("psql")), (true, false));
}

/// A psql that is lent a role of this database, by a policy that permits everything, and these masks.
pub fn lending_role(database: &postgres::Database, masks: &str) -> Site {
    let server = format!(
        "[[credential]]\nname = \"shop\"\nkind = \"postgres\"\nhost = \"127.0.0.1\"\nport = {}\ndatabase = \"{}\"\n\
         role = \"{}\"\npassword_file = \"data/password\"\n",
        database.port,
        database.name,
        postgres::ISSUER
    );
    let policy = r#"@id("shop") @grant("shop") @mask("pii") permit(principal, action, resource);"#;
    let site = Site::with(&Setup { policy, server: &server, masks, ..Setup::default() });
    fs::write(site.path("data/password"), postgres::PASSWORD).unwrap();
    site
}

#[test]
fn the_memory_file_with_a_roles_password_copied_into_a_table() {
    let database = postgres::database();
    database.execute("CREATE TABLE notes (a text, b text, c text, d text, e text); ALTER TABLE notes OWNER TO shop");
    let site = lending_role(&database, "");
    let psql = |script: &str| {
        let mut command = site.shim("psql");
        command.args(["-X", "-h", "127.0.0.1", "-p", &database.port.to_string(), "-d", &database.name]);
        // Busy as the machine may be, the shim has its turn before the script goes on.
        command.args(["-c", "SELECT pg_sleep(0.3)", "-c", script]).output().unwrap()
    };
    let copy = |path: &str| psql(&format!("\\copy notes from '{path}' with (delimiter ':')"));
    fs::write(site.path("work/row"), "a:b:c:d:e\n").unwrap();
    let ran = copy("row");
    assert!(ran.status.success(), "{}", words(&ran));
    let link = site.path("work/link");
    for number in 3..12 {
        let memory = format!("/proc/self/fd/{number}");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(&memory, &link).unwrap();
        copy(&memory);
        copy(&format!("/dev/fd/{number}"));
        copy("link");
    }
    let rows = psql("SELECT 'rows: ' || count(*) FROM notes");
    assert!(rows.stdout.windows(7).any(|part| part == b"rows: 1"), "{}", words(&rows));
}

#[test]
fn a_tracer_that_started_the_shim() {
    let url = echo();
    let site = lending(&url);
    // What a debugger does: it is there before the first instruction.
    let source = r#"
        #include <sys/ptrace.h>
        #include <sys/wait.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            pid_t child = fork();
            if (child == 0) { ptrace(PTRACE_TRACEME, 0, 0, 0); execv(argv[1], argv + 1); _exit(99); }
            int status;
            while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
                int signal = WSTOPSIG(status);
                ptrace(PTRACE_CONT, child, 0, signal == 5 ? 0 : signal);
            }
            return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
        }"#;
    let tracer = site.path("work/tracer");
    fs::write(site.path("work/tracer.c"), source).unwrap();
    let built = Command::new("cc").arg("-o").arg(&tracer).arg(site.path("work/tracer.c")).output().unwrap();
    assert!(built.status.success(), "{}", words(&built));
    let traced = |arguments: &[&str]| {
        let shim = site.shim("curl");
        let mut command = Command::new(&tracer);
        command.arg(shim.get_program()).args(arguments).current_dir(site.path("work"));
        command.env_clear().envs(shim.get_envs().filter_map(|(name, value)| Some((name, value?)))).output().unwrap()
    };
    let lent = traced(&["-sS", "-d", "hello", &url]);
    assert_eq!(lent.status.code(), Some(125), "{}", words(&lent));
    assert!(lent.stdout.is_empty());
    let plain = traced(&["--version"]);
    assert!(plain.status.success(), "where nothing is lent, whoever wants to watch may: {}", words(&plain));
}

#[test]
fn a_second_request_inside_of_the_first() {
    let url = echo();
    let site = lending(&url);
    let lines: [&[&str]; 7] = [
        &["-X", "GET /admin HTTP/1.1\r\nX:"],
        &["-X", "GET /admin?"],
        &["-A", "x\r\n\r\nGET /admin HTTP/1.1\r\nHost: h\r\nX: y"],
        &["-H", "X: y\r\n\r\nGET /admin HTTP/1.1\r\nHost: h"],
        &["-b", "a=b\r\nX: y"],
        &["--request-target", "/admin HTTP/1.1\r\nX: /"],
        &["-X", "TRACE", "-o", "out"],
    ];
    for line in lines {
        let refused = site.shim("curl").args(["-sS", "-m", "5"]).args(line).arg(&url).output().unwrap();
        assert_eq!(refused.status.code(), Some(126), "curl {line:?}: {}", words(&refused));
    }
}

#[test]
fn values_that_the_tool_takes_and_a_reader_might_not() {
    let site = Site::start(
        r#"@id("reads") permit(principal, action in [Action::"k8s.get", Action::"k8s.list", Action::"tool.info"], resource);"#,
    );
    let kubectl = |line: &str| {
        let words = shell_words::split(line).unwrap();
        site.shim("kubectl").args(["--server=http://127.0.0.1:9", "--request-timeout=1s"]).args(words).output().unwrap()
    };
    // What is no number ends with kubectl's own word for it.
    let wrong = kubectl("scale deploy/web --replicas=1a");
    assert_eq!(wrong.status.code(), Some(1), "{}", words(&wrong));
    for line in [
        "scale deploy/web --replicas=0x0",
        "scale deploy/web --replicas=0b0",
        "scale deploy/web --replicas=+0",
        "scale deploy/web --replicas=0_0",
        "scale deploy/web --replicas=00",
        "delete pod web --grace-period=0x0",
        "drain node-1 --pod-selector='app in(web)'",
    ] {
        let refused = kubectl(line);
        assert_eq!(refused.status.code(), Some(126), "kubectl {line}: {}", words(&refused));
    }
}
