//! Which psql it is, where that decides what a command means.

/// Major and minor version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    /// `15.18`, or what `psql --version` says: `psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    pub fn of(text: Option<&str>) -> Option<Self> {
        let text = text?.trim_start_matches("psql (PostgreSQL) ");
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
        let (major, rest) = text.split_once('.').unwrap_or((text, ""));
        Some(Version { major: digits(major)?, minor: digits(rest).unwrap_or(0) })
    }

    /// `\restrict` came with the minor releases of August 2025 to every version that was still cared for.
    pub fn restricts(self) -> bool {
        let first = match self.major {
            13 => 22,
            14 => 19,
            15 => 14,
            16 => 10,
            17 => 6,
            major => return major >= 18,
        };
        self.minor >= first
    }

    /// FETCH_COUNT by a cursor: until the release notes of 17.
    pub fn declares(self) -> bool {
        self.major < 17
    }

    /// Whether its commands are all known here.
    pub fn is_read(self) -> bool {
        self.major <= 18
    }

    /// Whether it is of this major version or a later one.
    pub fn reaches(self, major: u32) -> bool {
        self.major >= major
    }

    /// `\bind`: release notes of 16.
    pub fn binds(self) -> bool {
        self.major >= 16
    }

    /// `\parse`, `\bind_named`, `\close`, and pipelines: release notes of 18.
    pub fn pipelines(self) -> bool {
        self.major >= 18
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_out_of_what_psql_says() {
        let said = Version::of(Some("psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"));
        assert_eq!(said, Some(Version { major: 15, minor: 18 }));
        assert_eq!(said, Version::of(Some("15.18")));
        assert_eq!(Version::of(Some("19beta1")), Some(Version { major: 19, minor: 0 }));
        assert_eq!(Version::of(Some("none")), None);
        assert!(said.is_some_and(|v| v.restricts() && !v.binds()));
        assert!(Version::of(Some("15.13")).is_some_and(|v| !v.restricts()));
    }
}
