//! Starts a program by clone(2) and execve(2), with exactly the arguments, environment, descriptors, mask and
//! dispositions that are named here.
//!
//! By hand because `std::process::Command` loses duplicate variables, sets SIGPIPE to its default, and knows neither
//! parent-death signals nor controlling terminals.

use std::ffi::{CString, OsStr, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, pidfd_send_signal, waitid,
};

use super::caller;
use super::signals::Mask;

/// Where one of the program's standard descriptors comes from.
#[derive(Clone, Copy)]
pub enum Stream<'a> {
    /// As the caller of this process gave it, closed where it gave none.
    Inherited,
    From(BorrowedFd<'a>),
}

/// A program about to be started.
pub struct Program<'a> {
    pub path: CString,
    /// `argv[0]` first.
    pub arguments: Vec<CString>,
    /// `NAME=value` entries; duplicates stay.
    pub environment: Vec<CString>,
    pub streams: [Stream<'a>; 3],
    /// Descriptors above 2 that this program alone inherits beside those without close-on-exec.
    pub keep: Vec<BorrowedFd<'a>>,
    /// Nothing above 2 is inherited but what is kept: a question must not consume what the caller meant for the tool.
    pub alone: bool,
    pub mask: Mask,
    pub group: Group<'a>,
}

/// The process group of a program.
#[derive(Clone, Copy)]
pub enum Group<'a> {
    /// This process's.
    Ours,
    Own,
    /// Its own, in the foreground of this terminal.
    InFrontOf(BorrowedFd<'a>),
}

/// A program that was started by this process.
pub struct Child {
    pub pid: i32,
    handle: OwnedFd,
}

/// How a program ended, or that it stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Code(i32),
    Signal(i32),
    Stopped(i32),
}

/// A C string out of bytes; an inner zero cannot be in an argument, a path or a variable.
pub fn c_string(bytes: impl AsRef<OsStr>) -> io::Result<CString> {
    CString::new(bytes.as_ref().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

impl Program<'_> {
    /// A program that goes on as this process: with its streams, its group and its signals.
    pub fn in_our_place(path: CString, arguments: Vec<CString>, environment: Vec<CString>) -> io::Result<Self> {
        Ok(Program {
            path,
            arguments,
            environment,
            streams: [Stream::Inherited; 3],
            keep: Vec::new(),
            alone: false,
            mask: Mask::current()?,
            group: Group::Ours,
        })
    }

    /// Returns when the program runs. Where execve(2) failed, its error.
    ///
    /// The child borrows this thread's memory until then, as vfork(2) has it: copying the page tables of a process that is
    /// about to be replaced is most of what fork(2) costs.
    pub fn start(&self) -> io::Result<Child> {
        let prepared = self.prepare();
        let mut birth = Birth { prepared: &prepared, parent: std::process::id().cast_signed(), errno: 0 };
        let mut stack: Vec<u128> = Vec::with_capacity(STACK);
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
        let mut handle: c_int = -1;
        // No signal finds the child in our memory; it has its own mask set just before it execs.
        let before = Mask::all_blocked()?;
        // SAFETY: the stack is the child's alone and, like `birth`, outlives it: this thread sleeps until the child execs or
        // exits. It calls only async-signal-safe functions and allocates nothing. `handle` is where CLONE_PIDFD stores.
        let pid = unsafe {
            let top = stack.as_mut_ptr().add(STACK);
            libc::clone(be_born, top.cast(), flags, (&raw mut birth).cast(), &raw mut handle)
        };
        let failed = io::Error::last_os_error();
        before.restore()?;
        if pid < 0 {
            return Err(failed);
        }
        // SAFETY: the call succeeded, so this is a new descriptor that nobody else owns.
        let handle = unsafe { OwnedFd::from_raw_fd(handle) };
        if birth.errno != 0 {
            // SAFETY: reaps the child that has just ended.
            unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
            return Err(io::Error::from_raw_os_error(birth.errno));
        }
        Ok(Child { pid, handle })
    }

    /// Runs the program in this very process. Returns where it could not be started.
    pub fn replace_us(&self) -> io::Error {
        let prepared = self.prepare();
        io::Error::from_raw_os_error(prepared.take_its_place())
    }

    fn prepare(&self) -> Prepared<'_> {
        Prepared {
            program: self,
            argv: pointers(&self.arguments),
            envp: pointers(&self.environment),
            streams: [0, 1, 2].map(|n| match self.streams[n] {
                Stream::Inherited => (!caller::closed(n)).then_some(n as RawFd),
                Stream::From(fd) => Some(fd.as_raw_fd()),
            }),
            keep: self.keep.iter().map(AsRawFd::as_raw_fd).collect(),
            own_group: !matches!(self.group, Group::Ours),
            terminal: match self.group {
                Group::InFrontOf(terminal) => Some(terminal.as_raw_fd()),
                Group::Ours | Group::Own => None,
            },
            dispositions: [(libc::SIGPIPE, caller::sigpipe_ignored()), (libc::SIGCHLD, caller::sigchld_ignored())]
                .map(|(signal, ignored)| (signal, if ignored { libc::SIG_IGN } else { libc::SIG_DFL })),
        }
    }
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
}

/// What the child is given, and where it leaves why it could not become the program.
struct Birth<'a> {
    prepared: &'a Prepared<'a>,
    parent: i32,
    errno: i32,
}

/// Of the child, in units of 16 bytes: 64 KiB, of which a few frames of this file are used.
const STACK: usize = 4096;

extern "C" fn be_born(birth: *mut c_void) -> c_int {
    // SAFETY: `start` gave it, and sleeps until this process is gone or another program.
    let birth = unsafe { &mut *birth.cast::<Birth<'_>>() };
    birth.errno = birth.prepared.become_it(birth.parent);
    // SAFETY: ends the child at once: nothing of the parent's is run or flushed.
    unsafe { libc::_exit(127) }
}

/// All that the child needs, laid out before it is there.
struct Prepared<'a> {
    program: &'a Program<'a>,
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    /// The descriptor that becomes 0, 1, 2; none: closed.
    streams: [Option<RawFd>; 3],
    keep: Vec<RawFd>,
    own_group: bool,
    terminal: Option<RawFd>,
    /// Of the signals whose disposition this process changed for itself.
    dispositions: [(i32, libc::sighandler_t); 2],
}

impl Prepared<'_> {
    /// Runs in the child. Returns an errno where the program could not be started.
    fn become_it(&self, parent: i32) -> i32 {
        // SAFETY: every call is async-signal-safe (signal-safety(7)) or a plain system call; all pointers are into
        // `self`, which the parent keeps until the child is gone.
        unsafe {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return errno();
            }
            // The parent may have died before the line above: then nobody would ever end us.
            if libc::getppid() != parent {
                libc::_exit(127);
            }
        }
        self.take_its_place()
    }

    /// From here on nothing of ours is left but the process.
    fn take_its_place(&self) -> i32 {
        // SAFETY: as above.
        unsafe {
            if self.own_group && libc::setpgid(0, 0) != 0 {
                return errno();
            }
            if let Some(terminal) = self.terminal {
                // SIGTTOU is among what a group in the background gets for this, so it is blocked meanwhile.
                let mut all: libc::sigset_t = std::mem::zeroed();
                libc::sigfillset(&raw mut all);
                libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
                if libc::tcsetpgrp(terminal, libc::getpid()) != 0 {
                    return errno();
                }
            }
            for (n, stream) in (0..).zip(self.streams) {
                match stream {
                    Some(fd) if fd == n => {}
                    Some(fd) => {
                        if libc::dup2(fd, n) < 0 {
                            return errno();
                        }
                    }
                    None => {
                        libc::close(n);
                    }
                }
            }
            if self.program.alone {
                // Before Linux 5.11 it fails, and the descriptors stay as the caller gave them.
                libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
            }
            for fd in &self.keep {
                if libc::fcntl(*fd, libc::F_SETFD, 0) != 0 {
                    return errno();
                }
            }
            for (signal, disposition) in self.dispositions {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = disposition;
                libc::sigaction(signal, &raw const action, std::ptr::null_mut());
            }
            libc::sigprocmask(libc::SIG_SETMASK, &raw const self.program.mask.0, std::ptr::null_mut());
            libc::execve(self.program.path.as_ptr(), self.argv.as_ptr(), self.envp.as_ptr());
            errno()
        }
    }
}

fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

impl Child {
    /// Readable when the program has ended.
    pub fn handle(&self) -> BorrowedFd<'_> {
        use std::os::fd::AsFd;
        self.handle.as_fd()
    }

    /// Waits until it ends.
    pub fn wait(&self) -> io::Result<Status> {
        let status = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(self.handle()), WaitIdOptions::EXITED))?;
        status.and_then(Status::of).ok_or_else(|| io::Error::other("a child changed in a way that is not known"))
    }

    /// By which signal it has stopped since this was last asked.
    pub fn stopped(&self) -> Option<i32> {
        self.news(WaitIdOptions::STOPPED)?.stopping_signal()
    }

    /// How it has ended, if it has.
    pub fn ended(&self) -> Option<Status> {
        Status::of(self.news(WaitIdOptions::EXITED)?)
    }

    /// Whether it has been continued since this was last asked.
    pub fn continued(&self) -> bool {
        self.news(WaitIdOptions::CONTINUED).is_some()
    }

    fn news(&self, of: WaitIdOptions) -> Option<WaitIdStatus> {
        waitid(WaitId::PidFd(self.handle()), of | WaitIdOptions::NOHANG).ok()?
    }

    pub fn signal(&self, signal: i32) {
        signal_by_handle(self.handle(), signal);
    }
}

impl Status {
    fn of(status: WaitIdStatus) -> Option<Status> {
        (status.exit_status().map(Status::Code))
            .or_else(|| status.terminating_signal().map(Status::Signal))
            .or_else(|| status.stopping_signal().map(Status::Stopped))
    }
}

/// Sends a signal to the very process that the descriptor names; one that has ended is no error worth telling.
pub fn signal_by_handle(handle: BorrowedFd<'_>, signal: i32) {
    // Zero is a question, not a signal, and nobody here asks it.
    if let Some(signal) = Signal::from_named_raw(signal) {
        let _ = pidfd_send_signal(handle, signal);
    }
}

/// Runs `work` in a child of this process, which exits with what it returns. For a process with one thread only:
/// `work` may then do anything.
pub fn fork_into(work: impl FnOnce() -> i32) -> io::Result<Child> {
    let parent = rustix::process::getpid();
    // SAFETY: the caller promises one thread, so the child's memory is whole and nothing is locked.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let orphaned = rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).is_err()
                || rustix::process::getppid() != Some(parent);
            let code = if orphaned { 127 } else { work() };
            // SAFETY: ends the child at once; the parent's buffers and destructors are not its business.
            unsafe { libc::_exit(code) }
        }
        pid => {
            let handle = pidfd_open(Pid::from_raw(pid).ok_or(io::ErrorKind::Other)?, PidfdFlags::empty())?;
            Ok(Child { pid, handle })
        }
    }
}

/// Closes every descriptor above 2 but these. For a process made by [`fork_into`], whose other descriptors are
/// copies that nothing in it will use again.
pub fn close_all_but<const N: usize>(kept: [BorrowedFd<'_>; N]) -> io::Result<()> {
    let mut kept = kept.map(|fd| fd.as_raw_fd().cast_unsigned());
    kept.sort_unstable();
    let mut first = 3;
    for fd in kept.into_iter().chain([libc::c_uint::MAX]) {
        // SAFETY: takes numbers only. Owners of the closed descriptors exist in this process, but by `fork_into` it
        // ends without running them.
        if fd > first && unsafe { libc::syscall(libc::SYS_close_range, first, fd - 1, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        first = first.max(fd.saturating_add(1));
    }
    Ok(())
}
