//! The one command that installs PostgreSQL with its contrib extensions on the user's operating system.

use std::fs;

use nix::unistd::geteuid;

/// The command for the machine this runs on.
pub(super) fn for_this_machine() -> String {
    let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    hint(std::env::consts::OS, &os_release, geteuid().is_root())
}

/// `os` as in [`std::env::consts::OS`], `os_release` as in os-release(5).
fn hint(os: &str, os_release: &str, is_root: bool) -> String {
    let command = match os {
        "macos" => return "brew install postgresql@17".to_owned(),
        "windows" => return "winget install PostgreSQL.PostgreSQL.17".to_owned(),
        "freebsd" => "pkg install postgresql17-server postgresql17-contrib",
        _ => linux(os_release),
    };
    match command {
        "" => "your system's package manager (packages PostgreSQL 14 or newer, and its contrib)".to_owned(),
        command if is_root => command.to_owned(),
        command => format!("sudo {command}"),
    }
}

/// By `ID` first, then by what the distribution says it is like.
fn linux(os_release: &str) -> &'static str {
    let field = |name: &str| {
        let value = os_release
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_default().trim_matches(['"', '\''])
    };
    let names = field("ID")
        .split_whitespace()
        .chain(field("ID_LIKE").split_whitespace());
    let command = |name: &str| match name {
        "debian" | "ubuntu" => Some("apt-get install postgresql"),
        "fedora" | "rhel" | "centos" => Some("dnf install postgresql-server postgresql-contrib"),
        "alpine" => Some("apk add postgresql16 postgresql16-contrib"),
        "arch" => Some("pacman -S postgresql"),
        "suse" | "opensuse" => Some("zypper install postgresql-server postgresql-contrib"),
        _ => None,
    };
    names.into_iter().find_map(command).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_gets_its_own_command() {
        for (os, os_release, expected) in [
            (
                "linux",
                "NAME=x\nID=debian\nVERSION_ID=\"12\"",
                "sudo apt-get install postgresql",
            ),
            (
                "linux",
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"",
                "sudo apt-get install postgresql",
            ),
            (
                "linux",
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"",
                "sudo dnf install postgresql-server postgresql-contrib",
            ),
            (
                "linux",
                "ID=alpine",
                "sudo apk add postgresql16 postgresql16-contrib",
            ),
            ("linux", "ID=manjaro\nID_LIKE=arch", "sudo pacman -S postgresql"),
            ("macos", "", "brew install postgresql@17"),
            ("windows", "", "winget install PostgreSQL.PostgreSQL.17"),
        ] {
            assert_eq!(hint(os, os_release, false), expected, "{os} {os_release}");
        }
    }

    #[test]
    fn root_needs_no_sudo_and_an_unknown_system_gets_words() {
        assert_eq!(hint("linux", "ID=debian", true), "apt-get install postgresql");
        assert!(hint("linux", "ID=plan9", false).contains("package manager"));
    }
}
