//! Signals by descriptor: blocked, then read as events that tell who sent them (signalfd(2)). No handler is ever
//! installed, so every disposition stays as the caller had it and reaches the tool unchanged.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A set of blocked signals.
#[derive(Clone, Copy)]
pub struct Mask(pub(super) libc::sigset_t);

impl Mask {
    /// What is blocked now.
    pub fn current() -> io::Result<Mask> {
        change(libc::SIG_BLOCK, None)
    }

    /// Blocks every signal, and gives what was blocked before.
    pub fn all_blocked() -> io::Result<Mask> {
        let mut all = empty();
        // SAFETY: `all` lives through the call.
        unsafe { libc::sigfillset(&raw mut all) };
        change(libc::SIG_SETMASK, Some(&Mask(all)))
    }

    /// Blocks these and no others.
    pub fn restore(&self) -> io::Result<()> {
        change(libc::SIG_SETMASK, Some(self)).map(|_| ())
    }

    fn of(signals: &[i32]) -> Mask {
        let mut set = empty();
        for signal in signals {
            // SAFETY: `set` was initialised by sigemptyset; a bad number only makes the call fail.
            unsafe { libc::sigaddset(&raw mut set, *signal) };
        }
        Mask(set)
    }
}

fn empty() -> libc::sigset_t {
    // SAFETY: all zeroes is a valid value of this plain structure.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` lives through the call.
    unsafe { libc::sigemptyset(&raw mut set) };
    set
}

fn change(how: i32, mask: Option<&Mask>) -> io::Result<Mask> {
    let mut old = empty();
    let new = mask.map_or(std::ptr::null(), |mask| &raw const mask.0);
    // SAFETY: both sets live through the call; a null one means that nothing changes.
    let failed = unsafe { libc::pthread_sigmask(how, new, &raw mut old) };
    if failed == 0 { Ok(Mask(old)) } else { Err(io::Error::from_raw_os_error(failed)) }
}

/// Signals that arrive while they are blocked. Dropped: unblocked again.
pub struct Arrivals {
    fd: OwnedFd,
    before: Mask,
}

/// One signal, and where it came from.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    pub signal: i32,
    /// Sent by the kernel, as a terminal does to the whole foreground group for ^C.
    pub by_kernel: bool,
    /// The sender, where it was a process of our pid namespace.
    pub sender: i32,
}

impl Arrivals {
    pub fn of(signals: &[i32]) -> io::Result<Self> {
        let mask = Mask::of(signals);
        let before = change(libc::SIG_BLOCK, Some(&mask))?;
        // SAFETY: `mask` is an initialised set and lives through the call.
        let fd = unsafe { libc::signalfd(-1, &raw const mask.0, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so this is a new descriptor that nobody else owns.
        Ok(Arrivals { fd: unsafe { OwnedFd::from_raw_fd(fd) }, before })
    }

    /// What was blocked before, which is what the tool is to start with.
    pub fn before(&self) -> Mask {
        self.before
    }

    /// The next signal that has arrived, if any. Does not wait.
    pub fn next(&self) -> Option<Arrival> {
        // SAFETY: all zeroes is a valid value of this plain structure.
        let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: the kernel writes at most `size` bytes into `info`, which is that large.
        let read = unsafe { libc::read(self.fd.as_raw_fd(), (&raw mut info).cast(), size) };
        (usize::try_from(read) == Ok(size)).then(|| Arrival {
            signal: info.ssi_signo.cast_signed(),
            by_kernel: info.ssi_code > 0,
            sender: info.ssi_pid.cast_signed(),
        })
    }
}

impl AsFd for Arrivals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        // Nothing can be done about a failure, and it cannot fail: the set was given by the kernel.
        let _ = change(libc::SIG_SETMASK, Some(&self.before));
    }
}

/// Ends this process by the signal that ended the tool, without a core file of ours. Returns only where the signal
/// does not end a process: then the exit code that shells use for it.
pub fn die_of(signal: i32) -> i32 {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // Without it the caller would find a core of the shim, which is not what crashed.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // SAFETY: all zeroes is a valid sigaction: default disposition, empty mask, no flags.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = libc::SIG_DFL;
    // SAFETY: `action` lives through the call; no handler is installed.
    unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    let _ = change(libc::SIG_UNBLOCK, Some(&Mask::of(&[signal])));
    // SAFETY: sends a signal to this very process.
    unsafe { libc::raise(signal) };
    128 + signal
}

/// Stops this process's whole group by what a terminal stops it with (SIGTSTP, SIGTTIN, SIGTTOU), or this process alone
/// by any other signal. Returns when it was continued; false where it did not stop, because its group is orphaned or the
/// caller has the signal ignored. For a process that takes SIGCONT by [`Arrivals`].
pub fn stop_of(signal: i32) -> bool {
    let Ok(before) = change(libc::SIG_UNBLOCK, Some(&Mask::of(&[signal]))) else { return false };
    let by_terminal = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU].contains(&signal);
    // SAFETY: sends a signal to our own group, which is number 0, or to this very process.
    unsafe { if by_terminal { libc::kill(0, signal) } else { libc::raise(signal) } };
    let _ = change(libc::SIG_SETMASK, Some(&before));
    let mut pending = empty();
    // SAFETY: `pending` lives through both calls.
    unsafe { libc::sigpending(&raw mut pending) == 0 && libc::sigismember(&raw const pending, libc::SIGCONT) == 1 }
}

/// Blocks every signal, for a process that only waits for another.
pub fn block_all() -> io::Result<()> {
    let mut all = empty();
    // SAFETY: `all` lives through the call.
    unsafe { libc::sigfillset(&raw mut all) };
    change(libc::SIG_SETMASK, Some(&Mask(all))).map(|_| ())
}

/// Sends a signal to a process group that we started; one that is gone is no error worth telling.
pub fn to_group(group: i32, signal: i32) {
    if group > 1 {
        // SAFETY: kill(2) takes no pointer.
        unsafe { libc::kill(-group, signal) };
    }
}
