//! Pseudo-terminals, controlling terminals, and which descriptors are the same.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use portable_pty::{PtySize, native_pty_system};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{getpgrp, getsid};
use rustix::termios::{Winsize, tcgetpgrp, tcgetsid};

/// Both ends of a new pseudo-terminal. Ours does not block; both are closed by execve(2).
pub struct Pty {
    pub ours: OwnedFd,
    pub theirs: OwnedFd,
}

/// Opens one of this size. portable-pty opens it; the ends are ours, since its own way to start a program would close
/// every other descriptor and rewrite the environment.
pub fn open(size: Winsize) -> io::Result<Pty> {
    let size =
        PtySize { rows: size.ws_row, cols: size.ws_col, pixel_width: size.ws_xpixel, pixel_height: size.ws_ypixel };
    let pair = native_pty_system().openpty(size).map_err(io::Error::other)?;
    let master = pair.master.as_raw_fd().ok_or(io::ErrorKind::Unsupported)?;
    // SAFETY: `pair.master` owns the descriptor and lives until after the duplicate is made.
    let ours = fcntl_dupfd_cloexec(unsafe { BorrowedFd::borrow_raw(master) }, 3)?;
    // SAFETY: the ioctl takes open flags and no pointer.
    let peer =
        unsafe { libc::ioctl(ours.as_raw_fd(), libc::TIOCGPTPEER, libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC) };
    if peer < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so this is a new descriptor that nobody else owns.
    let theirs = unsafe { OwnedFd::from_raw_fd(peer) };
    fcntl_setfl(&ours, fcntl_getfl(&ours)? | OFlags::NONBLOCK)?;
    Ok(Pty { ours, theirs })
}

/// Makes this process the leader of a new session with that controlling terminal.
pub fn lead_session(terminal: impl AsFd) -> io::Result<()> {
    rustix::process::setsid()?;
    Ok(rustix::process::ioctl_tiocsctty(terminal)?)
}

/// Whether it is this process's controlling terminal.
pub fn is_own(fd: impl AsFd) -> bool {
    rustix::termios::isatty(&fd) && tcgetsid(&fd).is_ok_and(|session| getsid(None) == Ok(session))
}

/// Whether this process's group is the one in front.
pub fn in_foreground(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp())
}

/// Whether both descriptors are one open file: what is written through either comes in one order.
pub fn same_open_file(a: impl AsFd, b: impl AsFd) -> bool {
    const KCMP_FILE: libc::c_int = 0;
    let us = std::process::id();
    // SAFETY: kcmp(2) takes numbers only.
    let order =
        unsafe { libc::syscall(libc::SYS_kcmp, us, us, KCMP_FILE, a.as_fd().as_raw_fd(), b.as_fd().as_raw_fd()) };
    if order >= 0 {
        return order == 0;
    }
    // Not every kernel or container has it. Then the same pipe or file counts as one.
    match (fstat(a), fstat(b)) {
        (Ok(a), Ok(b)) => (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino),
        _ => false,
    }
}

/// Another open file on the same pipe or terminal, which does not block; the caller's own descriptor is shared with
/// other processes, so its flags are not ours to change. `None` where there is no such thing (files, sockets).
pub fn twin_that_does_not_block(fd: impl AsFd) -> Option<OwnedFd> {
    let stat = fstat(&fd).ok()?;
    let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
    if kind != rustix::fs::FileType::Fifo && !rustix::termios::isatty(&fd) {
        return None;
    }
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).ok()?;
    let path = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
    OpenOptions::new().write(true).custom_flags(flags).open(path).ok().map(Into::into)
}
