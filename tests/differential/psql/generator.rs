//! Lines put together at random out of options, statements, commands and what stands between them.
//!
//! A seed gives always the same line. A run takes the first few hundred; PORTCULLIS_LINES=N takes N of them, and
//! PORTCULLIS_SEED=N begins at another place.

use super::{Line, query};

/// A small generator of numbers (xorshift64*), so that a seed means the same line for everybody.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let wide = u128::from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)) * sides as u128;
        usize::try_from(wide >> 64).unwrap()
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    /// Up to `most` of them, put together.
    fn some(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> String) -> String {
        let count = self.roll(most + 1);
        (0..count).map(|_| one(self)).collect()
    }
}

const STATEMENTS: &[&str] = &[
    "SELECT 1",
    "SELECT id FROM users",
    "TABLE orders",
    "VALUES (1), (2)",
    "DELETE FROM users",
    "DELETE FROM orders USING users WHERE user_id = users.id",
    "INSERT INTO audit_log VALUES ('x')",
    "UPDATE users SET active = false",
    "WITH d AS (DELETE FROM audit_log RETURNING *) SELECT * FROM d",
    "EXPLAIN DELETE FROM users",
    "EXPLAIN ANALYZE DELETE FROM orders",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "CREATE TABLE IF NOT EXISTS c2 AS TABLE users",
    "DO $$ BEGIN PERFORM 1; END $$",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SET work_mem = '2MB'",
    "COPY (SELECT 1) TO STDOUT",
    "ANALYZE users",
    "TRUNCATE archive.old",
    "SHOW work_mem",
    "LISTEN x",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
];

/// What may stand in a query, and may hold what would be a command or an end elsewhere.
const VALUES: &[&str] = &[
    "1",
    "';'",
    "'it''s'",
    "'\\'",
    "E'\\';'",
    "E'\\\\'",
    "$$;$$",
    "$a$ $$ ; $a$",
    "\"email\"",
    "U&'\\0041;'",
    "B'01'",
    "x'1f'",
    "'\\! touch ran'",
    "(SELECT 1)",
    "(1)",
    "/* ; */ 2",
    "/* /* ' */ \\! */ 3",
    "4 -- ; ' \\q\n",
    "5::text",
    "ARRAY[1,2][1:1]",
    ":v",
    ":'v'",
    ":\"v\"",
    ":none",
    ":'none'",
    ":{?v}",
    ":{?none}",
    "'a'\n'b;'",
    "1E'\\'",
    "$1",
    "é",
];

const ENDS: &[&str] = &[
    ";\n",
    ";\n",
    ";\n",
    ";",
    " ; ",
    "\n;\n",
    "\n",
    " \\g\n",
    " \\gx\n",
    "\\; ",
    " \\g out.txt\n",
    " \\g |cat > piped\n",
    " \\gset\n",
    " \\gset p_\n",
    " \\gdesc\n",
    " \\r\n",
    " \\p\n",
    " \\g (format=csv) out2.txt\n",
    " \\crosstabview\n",
    ";;\n",
    " \\\\ ;\n",
    "\\g\\q\n",
];

const COMMANDS: &[&str] = &[
    "\\set v users\n",
    "\\set v 1 2\n",
    "\\set v 'a;b'\n",
    "\\set v ''';\n",
    "\\set v\n",
    "\\unset v\n",
    "\\set w :v:v\n",
    "\\echo x\n",
    "\\echo `echo x`\n",
    "\\echo ':v' :'v' \\\\ ",
    "\\! true\n",
    "\\!true; touch ran\n",
    "\\o out3.txt\n",
    "\\o\n",
    "\\o |cat\n",
    "\\x\\t\n",
    "\\x on \\\\ ",
    "\\timing\n",
    "\\pset format csv\n",
    "\\bogus x; \\! true\n",
    "\\i x.sql\n",
    "\\ir sub/y.sql\n",
    "\\include 'x.sql' ; \n",
    "\\cd sub\n",
    "\\copy users to copy.csv csv\n",
    "\\Copy (select ';' from users) to 'c d.csv'\n",
    "\\copy audit_log from stdin\nx;\n\\.\n",
    "\\copy audit_log from pstdin;\ny\n\\.\n",
    "\\copy audit_log from program 'echo z'\n",
    "\\copy users to program 'cat > piped2'\n",
    "\\copy users\n",
    "\\c postgres\n",
    "\\c -\n",
    "\\c - admin\n",
    "\\c \"dbname=postgres user=app\"\n",
    "\\c -reuse-previous=off dbname=postgres\n",
    "\\c \"dbname=postgres\" app\n",
    "\\encoding LATIN1\n",
    "\\w saved.sql\n",
    "\\dt\n",
    "\\d users\n",
    "\\l\n",
    "\\sf wipe\n",
    "\\h SELECT\n",
    "\\set AUTOCOMMIT off\n",
    "\\set AUTOCOMMIT on\n",
    "\\set SINGLELINE on\n",
    "\\set SINGLELINE bogus\n",
    "\\set SINGLELINE 0\n",
    "\\set ON_ERROR_STOP off\n",
    "\\restrict k\n",
    "\\unrestrict k\n",
    "\\unrestrict j\n",
    "\\prompt x\n1\n",
    "\\g\n",
    "\\p\n",
    "\\r\n",
    "\\q\n",
    "\\setenv X y\n",
    "\\setenv PGUSER app\n",
    "\\getenv h HOME\n",
    "COPY audit_log FROM STDIN;\nx'\\! touch ran\n\\.\n",
    "COPY audit_log (action) FROM STDIN WITH (FORMAT csv);\n1\n\\.\n",
    "-- c ; \\! true\n",
    "/* c ; \\! true */",
    "/* open ; */ */\n",
    "\n\n",
    "SELECT (1;\n2);\n",
    "SELECT 'a\n;b';\n",
    "\\if\n",
    "\\endif\n",
    "\\else\n",
    "\\elif 0\n",
];

const TRUTHS: &[&str] = &["1", "0", "true", "of", "no", "yes", ":{?v}", ":v", "x", "", "'on'", "1 1"];

/// A piece of a script; `depth` keeps branches from growing without end.
fn piece(dice: &mut Dice, depth: usize) -> String {
    match dice.roll(8) {
        0..=3 => statement(dice),
        4 if depth > 0 => {
            let mut out = format!("\\if {}\n", dice.pick(TRUTHS));
            out += &dice.some(2, |dice| piece(dice, depth - 1));
            if dice.one_in(3) {
                out += &format!("\\elif {}\n{}", dice.pick(TRUTHS), piece(dice, depth - 1));
            }
            if dice.one_in(2) {
                out += &format!("\\else\n{}", piece(dice, depth - 1));
            }
            out + "\\endif\n"
        }
        _ => dice.pick(COMMANDS).to_owned(),
    }
}

fn statement(dice: &mut Dice) -> String {
    let text = match dice.roll(3) {
        0 => format!("SELECT {}", dice.pick(VALUES)),
        1 => format!("SELECT {} , {} FROM users", dice.pick(VALUES), dice.pick(VALUES)),
        _ => dice.pick(STATEMENTS).to_owned(),
    };
    let text = if dice.one_in(6) { text.replace(' ', dice.pick(&["\n", "/**/", "  ", "\t"])) } else { text };
    text + dice.pick(ENDS)
}

const OPTIONS: &[&[&str]] = &[
    &["-A"],
    &["-t"],
    &["-Atq"],
    &["-X"],
    &["--no-psqlrc"],
    &["-S"],
    &["--single-line"],
    &["-1"],
    &["-q"],
    &["-e"],
    &["-o", "out4.txt"],
    &["-oout5.txt"],
    &["--output=|cat > piped3"],
    &["-L", "log.txt"],
    &["-v", "v=orders"],
    &["-vv=users"],
    &["--set=AUTOCOMMIT=off"],
    &["--variable", "w"],
    &["-v", "QUIET=bogus"],
    &["-P", "format=csv"],
    &["-P", "border=2"],
    &["-Pnonsense=1"],
    &["--csv"],
    &["-F", ";"],
    &["-w"],
    &["-U", "app"],
    &["-U", "admin"],
    &["-d", "postgres"],
    &["-d", "dbname=postgres user=app"],
    &["--dbname=postgresql:///postgres?user=admin"],
    &["-h", "localhost"],
    &["--hos", "127.0.0.1"],
    &["-p", "@PORT@"],
    &["-f", "x.sql"],
    &["-fsub/y.sql"],
    &["--file", "-"],
    &["--fi=x.sql"],
    &["@DB@"],
    &["@DB@", "app"],
    &["--", "@DB@"],
    &["-V"],
    &["--help"],
    &["-?"],
    &["-l"],
    &["--exp"],
    &["--echo"],
    &["-y"],
];

fn command(dice: &mut Dice) -> String {
    let text = match dice.roll(3) {
        0 => dice.pick(COMMANDS).trim_end_matches('\n').to_owned(),
        1 => format!("{}; {}", dice.pick(STATEMENTS), dice.pick(STATEMENTS)),
        _ => format!("SELECT {}", dice.pick(VALUES)),
    };
    if dice.one_in(12) { format!(" {text}") } else { text }
}

/// The line of a seed.
fn line(seed: u64) -> Line {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut words: Vec<String> = Vec::new();
    for _ in 0..dice.roll(4) {
        if dice.one_in(2) {
            words.extend(["-c".to_owned(), command(&mut dice)]);
        } else {
            let option = OPTIONS[dice.roll(OPTIONS.len())];
            words.extend(option.iter().map(|word| (*word).to_owned()));
        }
    }
    let mut line = query(&words.iter().map(String::as_str).collect::<Vec<_>>());
    line = line.on(&dice.some(6, |dice| piece(dice, 2)));
    line = line.file("x.sql", &dice.some(3, |dice| piece(dice, 1)).replace("x.sql", "gone.sql"));
    line = line.file("sub/y.sql", &dice.some(2, |dice| piece(dice, 0)).replace(".sql", ".gone"));
    if dice.one_in(6) {
        line = line.file(".psqlrc", &dice.some(2, |dice| piece(dice, 0)).replace(".sql", ".gone"));
    }
    line
}

pub fn lines() -> Vec<Line> {
    let number = |name: &str, otherwise: u64| std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap());
    let from = number("PORTCULLIS_SEED", 1);
    (from..from + number("PORTCULLIS_LINES", 300)).map(line).collect()
}
