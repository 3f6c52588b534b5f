//! Signals that reach us while the tool runs: passed on, unless the tool has had them already.

use rustix::process::Signal;

use super::{Session, Tool};
use crate::model::FrameKind;
use crate::sys::signals::{self, Arrival};

const FORWARDED: [Signal; 6] = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2];

/// The signals that are ours to take, by number. One that is not stays the kernel's business: in the caller's group
/// ^Z stops the tool and us alike.
///
/// With a session of its own the tool hears nothing of the caller's terminal, so that all of it stops at us.
pub fn ours(screen: bool, led: bool) -> Vec<i32> {
    let mut ours = FORWARDED.to_vec();
    ours.extend(screen.then_some(Signal::WINCH));
    ours.extend([Signal::CONT, Signal::TSTP].into_iter().filter(|_| led));
    ours.into_iter().map(Signal::as_raw).collect()
}

impl Session {
    pub(super) fn signalled(&mut self) {
        while let Some(arrival) = self.arrivals.next() {
            if arrival.signal == Signal::WINCH.as_raw() {
                self.resized();
            } else if arrival.signal == Signal::CONT.as_raw() {
                self.in_front_again();
                self.tool.signal(arrival.signal);
            } else if !self.had_it(arrival) {
                self.tool.signal(arrival.signal);
                self.record(Some(FrameKind::Mark(format!("signal {}", name(arrival.signal)))));
            }
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
        let Some((terminal, pty)) = &self.screen else { return };
        if let Ok(size) = terminal.resize(pty) {
            self.record(Some(FrameKind::Resize { columns: size.ws_col, rows: size.ws_row }));
        }
    }

    /// ^Z in the tool's terminal: the caller's shell must see its job stop, with its terminal as it was.
    pub(super) fn stopped(&mut self) {
        self.settle();
        if let Some((terminal, _)) = &mut self.screen {
            terminal.give_back();
        }
        signals::stop_group();
        self.in_front_again();
        if let Tool::Led(monitor) = &mut self.tool {
            // A monitor that is gone is noticed as its socket's end.
            let _ = monitor.go_on();
        }
    }

    fn in_front_again(&mut self) {
        if let Some((terminal, _)) = &mut self.screen {
            let _ = terminal.take();
        }
        self.resized();
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
