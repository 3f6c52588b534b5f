//! Signals that reach us while the tool runs: passed on, unless the tool has had them already.

use rustix::process::Signal;

use super::terminal::Terminal;
use super::{Session, Tool};
use crate::model::FrameKind;
use crate::sys::signals::{self, Arrival};

const FORWARDED: [Signal; 6] = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2];

/// The signals that are ours to take, by number. ^Z is among them: we stop when the tool has, and not before, since a tool
/// may put its terminal in order first, or not stop at all.
///
/// With a session of its own the tool hears nothing of the caller's terminal, so that all of it stops at us, and the
/// monitor tells when the tool has stopped.
pub fn ours(screen: bool, led: bool) -> Vec<i32> {
    let mut ours = FORWARDED.to_vec();
    ours.extend([Signal::CONT, Signal::TSTP]);
    ours.extend(screen.then_some(Signal::WINCH));
    ours.extend((!led).then_some(Signal::CHILD));
    ours.into_iter().map(Signal::as_raw).collect()
}

impl Session {
    pub(super) fn signalled(&mut self) {
        while let Some(arrival) = self.arrivals.next() {
            match Signal::from_named_raw(arrival.signal) {
                Some(Signal::WINCH) => self.resized(),
                Some(Signal::CHILD) => self.stop_with_the_tool(),
                Some(Signal::CONT) => {
                    self.in_front_again(false);
                    if !self.tool.went_on() {
                        self.tool.signal(arrival.signal);
                    }
                }
                _ if self.had_it(arrival) => {}
                _ => {
                    self.tool.signal(arrival.signal);
                    self.record(Some(FrameKind::Mark(format!("signal {}", name(arrival.signal)))));
                }
            }
        }
    }

    /// A tool in the caller's group has stopped. So do we: the caller waits for us, and must see the same.
    fn stop_with_the_tool(&mut self) {
        let Tool::Direct(child) = &self.tool else { return };
        if let Some(signal) = child.stopped() {
            self.settle();
            signals::stop_of(signal);
        }
    }

    /// In the caller's group the tool gets what the terminal sends (^C) at the same time as we do; and what the tool
    /// itself sends us (git ends its pager's group) is none of its own business.
    fn had_it(&self, arrival: Arrival) -> bool {
        let by_terminal = arrival.by_kernel && matches!(self.tool, Tool::Direct(_));
        by_terminal || (!arrival.by_kernel && arrival.sender == self.tool.pid())
    }

    /// The tool's terminal follows the caller's.
    pub(super) fn resized(&mut self) {
        if let Some(Ok(size)) = self.screen.as_ref().map(Terminal::resize) {
            self.record(Some(FrameKind::Resize { columns: size.ws_col, rows: size.ws_row }));
        }
    }

    /// The tool has stopped in its own terminal: the caller's shell must see its job stop, with its terminal as it was.
    /// Where it only wanted to be in front (SIGTTIN, SIGTTOU), and the caller's shell has put us there meanwhile, it is.
    pub(super) fn stopped(&mut self, signal: i32) {
        let to_the_front = [Signal::TTIN, Signal::TTOU].map(Signal::as_raw).contains(&signal);
        if to_the_front && self.in_front() {
            return self.in_front_again(true);
        }
        self.settle();
        if let Some(terminal) = &mut self.screen {
            terminal.give_back();
        }
        let was_stopped = signals::stop_of(signal);
        self.in_front_again(true);
        if to_the_front
            && !was_stopped
            && let Tool::Led(monitor) = &mut self.tool
        {
            // Nobody would continue us, nor will any key come: rather wait for one than be stopped again and again.
            let _ = monitor.order(true, true);
        }
    }

    fn in_front(&self) -> bool {
        self.screen.as_ref().is_some_and(Terminal::in_front)
    }

    /// After the shell may have put us in another place: the tool is in front of its terminal exactly when we are.
    pub(super) fn in_front_again(&mut self, go_on: bool) {
        if let Some(terminal) = &mut self.screen {
            let _ = terminal.take();
        }
        self.resized();
        let in_front = self.in_front();
        if let Tool::Led(monitor) = &mut self.tool {
            // A monitor that is gone is noticed as its socket's end.
            let _ = monitor.order(in_front, go_on);
        }
    }
}

fn name(signal: i32) -> &'static str {
    match Signal::from_named_raw(signal) {
        Some(Signal::TERM) => "TERM",
        Some(Signal::INT) => "INT",
        Some(Signal::HUP) => "HUP",
        Some(Signal::QUIT) => "QUIT",
        Some(Signal::USR1) => "USR1",
        Some(Signal::USR2) => "USR2",
        Some(Signal::TSTP) => "TSTP",
        _ => "other",
    }
}
