//! Who is at the other end of a unix socket: the kernel's word, not the peer's (unix(7), SO_PEERCRED, SO_PEERPIDFD).

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;

use super::process::{self, Handle, Process};

// In no crate yet; the number is the same on every architecture but parisc and sparc (asm-generic/socket.h, Linux 6.5).
const SO_PEERPIDFD: libc::c_int = 77;

/// The process that called connect(2).
pub struct Peer {
    /// In our pid namespace; `None` where it cannot be seen from here (a sidecar without a shared pid namespace).
    pub pid: Option<i32>,
    pub uid: u32,
    handle: Option<Handle>,
    line: OnceLock<Vec<Process>>,
}

impl Peer {
    pub fn of(socket: impl AsFd) -> io::Result<Self> {
        let socket = socket.as_fd().as_raw_fd();
        // Not rustix's own call: its pid cannot be zero, which is what an unseen peer's is.
        let none = libc::ucred { pid: 0, uid: libc::uid_t::MAX, gid: libc::gid_t::MAX };
        let libc::ucred { pid, uid, gid: _ } = option(socket, libc::SO_PEERCRED, none)?;
        let handle = match option(socket, SO_PEERPIDFD, -1) {
            // SAFETY: the call succeeded, so this is a new descriptor that nobody else owns.
            Ok(fd) => Some(Handle::from_fd(unsafe { OwnedFd::from_raw_fd(fd) })),
            // Before Linux 6.5: taken by pid, so only as good as the pid is at this moment.
            Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => Handle::open(pid).ok(),
            Err(_) => None,
        };
        Ok(Peer { pid: (pid > 0).then_some(pid), uid, handle, line: OnceLock::new() })
    }

    /// The process and those above it, as they were when first asked; `None` where it has ended or cannot be seen. Who
    /// has ended since is in nobody's way: a later process with its pid is another one.
    pub fn line(&self) -> Option<&[Process]> {
        let pid = self.living_pid()?;
        let line = self.line.get_or_init(|| process::line(pid));
        // Alive after the look, so the line was this process's.
        self.living_pid().map(|_| line.as_slice()).filter(|line| !line.is_empty())
    }

    /// The pid, as long as the process that connected is certainly still the one that bears it.
    pub fn living_pid(&self) -> Option<i32> {
        let handle = self.handle.as_ref()?;
        self.pid.filter(|_| handle.alive())
    }
}

/// Values that getsockopt(2) may fill in: any bytes are a valid one.
trait Plain: Copy {}
impl Plain for libc::c_int {}
impl Plain for libc::ucred {}

fn option<T: Plain>(socket: RawFd, name: libc::c_int, mut value: T) -> io::Result<T> {
    let mut length = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    // SAFETY: `value` and `length` live through the call, `length` says how large `value` is and the kernel writes no
    // more; any bytes make a valid `Plain`.
    let done = unsafe { libc::getsockopt(socket, libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut length) };
    if done == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::Peer;

    #[test]
    fn the_kernel_says_who_connected() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = Peer::of(&ours).unwrap();
        assert_eq!(peer.living_pid(), i32::try_from(std::process::id()).ok());
        assert_eq!(peer.uid, rustix::process::getuid().as_raw());
    }
}
