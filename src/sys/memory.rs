//! Files that exist in memory only (memfd_create(2)).

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fchmod, fcntl_add_seals, fcntl_setfl, memfd_create};
use rustix::pipe::{PipeFlags, pipe_with};

/// A file with these bytes, read from its beginning; sealed, so that neither the tool nor anything it starts can
/// change what was inspected. Mode 0600, since tools refuse a password file that others may read. Closed by execve(2)
/// unless it is handed on by name.
pub fn sealed(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let fd = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    fchmod(&fd, Mode::RUSR | Mode::WUSR)?;
    let mut file = File::from(fd);
    file.write_all(bytes)?;
    file.rewind()?;
    fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(file.into())
}

/// The same for bytes that only the first reader gets: a pipe that holds all of them, and whose other end is closed.
/// An error where the kernel gives it less room than that (pipe(7): at least 4096 bytes).
pub fn once(bytes: &[u8]) -> io::Result<OwnedFd> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    File::from(writer).write_all(bytes)?;
    // The flag was for our own writing; the reader waits like any other.
    fcntl_setfl(&reader, OFlags::empty())?;
    Ok(reader)
}

/// A file of mode 0600 that is emptied once its first reader has closed it, for a tool that takes no pipe. Until then, and a
/// moment longer, it can be read by whatever runs as the same user.
pub struct UntilClosed {
    file: File,
    /// Readable once somebody has closed the file (inotify(7)); it works on a memory file by its name in /proc.
    closed: OwnedFd,
}

impl UntilClosed {
    /// What the tool gets, and what is to be emptied when [`AsFd`] says that it is time. An error also where this user has no
    /// inotify instance left.
    pub fn new(name: &str, bytes: &[u8]) -> io::Result<(OwnedFd, Self)> {
        let fd = memfd_create(name, MemfdFlags::CLOEXEC)?;
        fchmod(&fd, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(fd);
        file.write_all(bytes)?;
        file.rewind()?;
        let closed = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        inotify::add_watch(&closed, path, WatchFlags::CLOSE_NOWRITE)?;
        Ok((file.try_clone()?.into(), UntilClosed { file, closed }))
    }

    pub fn empty(&self) -> io::Result<()> {
        self.file.set_len(0)
    }
}

impl AsFd for UntilClosed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.closed.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::{UntilClosed, once, sealed};

    #[test]
    fn a_file_says_when_its_first_reader_has_closed_it_and_is_empty_then() {
        let (given, held) = UntilClosed::new("test", b"once").unwrap();
        let path = format!("/proc/self/fd/{}", given.as_raw_fd());
        let is_time = || {
            let mut fds = [PollFd::new(&held, PollFlags::IN)];
            poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() > 0
        };
        assert!(!is_time());
        assert_eq!(std::fs::read(&path).unwrap(), b"once");
        assert!(is_time());
        held.empty().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn what_is_read_once_is_whole_for_the_first_and_empty_for_the_next() {
        let file = once(&[b'x'; 4096]).unwrap();
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        assert_eq!(std::fs::read(&path).unwrap().len(), 4096);
        assert_eq!(std::fs::read(&path).unwrap().len(), 0);
        assert!(once(&[b'x'; 2 << 20]).is_err(), "rather than waiting for a reader");
    }

    #[test]
    fn a_sealed_file_is_read_from_its_beginning_and_takes_no_other_bytes() {
        let mut file = std::fs::File::from(sealed("test", b"select 1").unwrap());
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "select 1");
        assert!(file.write_all(b"; drop").is_err());
        assert!(file.set_len(0).is_err());
    }
}
