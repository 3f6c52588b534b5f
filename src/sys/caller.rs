//! What the caller gave this process, noted before Rust's start-up changes it.
//!
//! Before `main`, Rust ignores SIGPIPE and opens /dev/null on closed descriptors 0 to 2. A function in `.init_array`
//! runs earlier (glibc and static musl), so the tool can be started as if we had not been in between.

use std::ffi::{CStr, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static SIGPIPE_IGNORED: AtomicBool = AtomicBool::new(false);
static SIGCHLD_IGNORED: AtomicBool = AtomicBool::new(false);
static CLOSED: [AtomicBool; 3] = [AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false)];

#[used]
// SAFETY: the section holds pointers to functions that the C library calls before main, and this is one.
#[unsafe(link_section = ".init_array")]
static NOTE: extern "C" fn() = note;

extern "C" fn note() {
    for (signal, ignored) in [(libc::SIGPIPE, &SIGPIPE_IGNORED), (libc::SIGCHLD, &SIGCHLD_IGNORED)] {
        // SAFETY: all zeroes is a valid sigaction; it is overwritten by the call below.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: only asks; `action` lives through the call.
        if unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) } == 0 {
            ignored.store(action.sa_sigaction == libc::SIG_IGN, Relaxed);
        }
    }
    if SIGCHLD_IGNORED.load(Relaxed) {
        // Where it is ignored, the kernel throws away how a child ended (wait(2), NOTES).
        // SAFETY: no handler is installed, only the default disposition.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    }
    for (fd, closed) in (0..).zip(&CLOSED) {
        // SAFETY: F_GETFD takes no pointer and any number may be asked about.
        closed.store(unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1, Relaxed);
    }
}

/// Whether the caller had SIGPIPE ignored.
pub fn sigpipe_ignored() -> bool {
    SIGPIPE_IGNORED.load(Relaxed)
}

/// Whether the caller had SIGCHLD ignored. This process does not, since it waits for its children.
pub fn sigchld_ignored() -> bool {
    SIGCHLD_IGNORED.load(Relaxed)
}

/// Whether the caller gave no descriptor of this number (0 to 2).
pub fn closed(fd: usize) -> bool {
    CLOSED.get(fd).is_some_and(|closed| closed.load(Relaxed))
}

unsafe extern "C" {
    static environ: *const *const libc::c_char;
}

/// The environment as it is: every entry in order, also duplicates, bytes that are not UTF-8 and entries without `=`.
pub fn environment() -> Vec<OsString> {
    let mut entries = Vec::new();
    // SAFETY: nothing in this program changes its environment, so the block that the kernel laid out stands.
    let mut next = unsafe { environ };
    if next.is_null() {
        return entries;
    }
    loop {
        // SAFETY: the block is an array of pointers that ends with a null one, and we stop there.
        let entry = unsafe { *next };
        if entry.is_null() {
            return entries;
        }
        // SAFETY: each pointer before the null one is to a string with a zero at its end.
        entries.push(OsString::from_vec(unsafe { CStr::from_ptr(entry) }.to_bytes().to_vec()));
        // SAFETY: `next` was not the last, so one further is still in the array.
        next = unsafe { next.add(1) };
    }
}

/// Whether another process traces this one (proc(5), TracerPid). [`hide`] keeps new ones off; one that started us itself stays.
pub fn traced() -> io::Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    Ok(tracer.ok_or(io::ErrorKind::NotFound)?.trim() != "0")
}

/// Keeps other processes of the same user from reading this one's memory or tracing it (prctl(2), PR_SET_DUMPABLE).
/// The tool is not affected: execve(2) resets it.
pub fn hide() -> io::Result<()> {
    Ok(rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?)
}
