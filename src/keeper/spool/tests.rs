//! What must hold of recordings on this machine: through kills, torn lines and a full disk.

use std::fs::{self, OpenOptions};
use std::io::{BufReader, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::{Error, Spool};
use crate::model::{Bytes, Digest, Exit, Frame, FrameKind, InvocationId, Micros};
use crate::recording::{Header, Summary, summary};
use crate::wire::contract::End;

const MIB: u64 = 1 << 20;

fn id(n: u128) -> InvocationId {
    InvocationId::from_ulid(n)
}

fn header(n: u128) -> Header {
    Header::new(id(n), "git status".to_owned(), Micros(1))
}

fn output(at: i64, bytes: &[u8]) -> Frame {
    Frame { at: Micros(at), kind: FrameKind::Output(Bytes::from(bytes)) }
}

fn end(exit: Exit) -> End {
    End { exit, duration: Micros(900), bytes: 3, masked: vec![("email".to_owned(), 2)] }
}

fn open(folder: &Path) -> Arc<Spool> {
    Spool::open(folder, 64 * MIB, 0).unwrap()
}

fn read(spool: &Spool, n: u128) -> (Vec<u8>, Summary) {
    let bytes = fs::read(spool.path(&id(n), "rec")).unwrap();
    let summary = summary(BufReader::new(&bytes[..])).unwrap();
    (bytes, summary)
}

#[test]
fn a_recording_whose_end_nobody_saw_is_given_one_and_sealed_as_it_then_is() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let mut record = spool.begin(&header(1)).unwrap();
    record.frame(&output(5, b"abc")).unwrap();
    drop(record);
    // The next keeper.
    let spool = open(folder.path());
    assert_eq!((spool.left().unwrap(), spool.waiting()), (vec![id(1)], 1));
    let finished = spool.recover(&id(1)).unwrap();
    assert_eq!((finished.end.exit, finished.end.bytes), (Exit::Lost, 3));
    let (bytes, summary) = read(&spool, 1);
    assert_eq!(summary.exit, Some(Exit::Lost));
    assert_eq!((finished.seal.length, finished.seal.sha256), (bytes.len() as u64, Digest::of(&bytes)));
    assert_eq!(spool.bytes(), bytes.len() as u64);
    // And the one after that changes nothing more.
    let again = open(folder.path()).recover(&id(1)).unwrap();
    assert_eq!(again.seal.sha256, finished.seal.sha256);
    spool.remove(&id(1), finished.seal.length);
    assert_eq!((spool.left().unwrap().len(), spool.bytes(), spool.waiting()), (0, 0, 0));
}

#[test]
fn half_a_line_is_cut_off_and_the_recording_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let mut record = spool.begin(&header(2)).unwrap();
    record.frame(&output(5, b"kept")).unwrap();
    drop(record);
    let mut file = OpenOptions::new().append(true).open(spool.path(&id(2), "rec")).unwrap();
    file.write_all(b"{\"chain\":\"00ff").unwrap();
    let finished = open(folder.path()).recover(&id(2)).unwrap();
    let (bytes, summary) = read(&spool, 2);
    assert_eq!((summary.torn, summary.output, summary.exit), (0, 4, Some(Exit::Lost)));
    assert!(String::from_utf8(bytes.clone()).unwrap().contains("14 bytes of an unfinished line were cut off"));
    assert_eq!(finished.seal.sha256, Digest::of(&bytes));
}

#[test]
fn an_end_that_was_written_is_not_lost_with_the_keeper() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let mut record = spool.begin(&header(3)).unwrap();
    record.frame(&output(5, b"abc")).unwrap();
    let finished = record.end(end(Exit::Code(3))).unwrap();
    let again = open(folder.path()).recover(&id(3)).unwrap();
    assert_eq!((again.end.exit, again.end.masked), (Exit::Code(3), vec![("email".to_owned(), 2)]));
    assert_eq!(again.seal.sha256, finished.seal.sha256);
    // Without the file beside it, the last frame still tells the exit.
    fs::remove_file(spool.path(&id(3), "end")).unwrap();
    assert_eq!(open(folder.path()).recover(&id(3)).unwrap().end.exit, Exit::Code(3));
}

#[test]
fn a_spool_over_its_limit_and_an_id_that_was_used_refuse_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), 1000, 0).unwrap();
    let mut record = spool.begin(&header(4)).unwrap();
    assert!(matches!(spool.begin(&header(4)), Err(Error::Exists)));
    record.frame(&output(5, &[b'x'; 2000])).unwrap();
    let error = spool.begin(&header(5)).err().unwrap();
    assert!(matches!(error, Error::Full(_)) && error.hint().is_some(), "{error}");
    assert!(!spool.path(&id(5), "rec").exists());
}

#[test]
fn what_the_server_refuses_is_kept_out_of_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path());
    let finished = spool.begin(&header(6)).unwrap().end(end(Exit::Code(0))).unwrap();
    spool.set_aside(&id(6), finished.seal.length);
    assert_eq!((spool.left().unwrap().len(), spool.bytes(), spool.refused()), (0, 0, 1));
}

/// A file system of one megabyte; `None`, saying why, where this user may not mount one.
#[allow(clippy::disallowed_methods, clippy::print_stderr)]
fn small_disk() -> Option<Mounted> {
    let folder = tempfile::tempdir().unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "portcullis-test"])
        .arg(folder.path())
        .output()
        .unwrap();
    if !mount.status.success() {
        eprintln!("skipped: no small disk can be mounted: {}", mount.stderr.escape_ascii());
        return None;
    }
    Some(Mounted(folder))
}

struct Mounted(tempfile::TempDir);

impl Drop for Mounted {
    #[allow(clippy::disallowed_methods)]
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn on_a_full_disk_a_running_recording_still_gets_its_end_and_a_new_one_is_refused() {
    let Some(disk) = small_disk() else { return };
    let spool = Spool::open(disk.0.path(), 64 * MIB, MIB / 8).unwrap();
    let mut record = spool.begin(&header(7)).unwrap();
    let mut written = 0;
    let error = (0..100).find_map(|at| match record.frame(&output(at, &[b'x'; 30_000])) {
        Ok(()) => {
            written += 1;
            None
        }
        Err(error) => Some(error),
    });
    assert!(matches!(error, Some(Error::Disk(_))), "{error:?}");
    assert!(matches!(spool.begin(&header(8)), Err(Error::Disk(_))));
    record.note_full("no room for more");
    let finished = record.end(end(Exit::Signal(15))).unwrap();
    let (bytes, summary) = read(&spool, 7);
    assert_eq!(summary.exit, Some(Exit::Signal(15)));
    assert_eq!(summary.output, (written + 1) * 30_000, "the frame that did not fit is there, too");
    assert_eq!(finished.seal.sha256, Digest::of(&bytes));
    spool.remove(&id(7), finished.seal.length);
    assert!(spool.begin(&header(8)).is_ok(), "once there is room");
}
