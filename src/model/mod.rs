//! The vocabulary: plain data that every other module speaks in. No I/O, no clock, nothing of ours imported.
//!
//! In reading order: what was typed ([`Invocation`]), what the machine adds ([`Facts`]), what it means ([`Reading`]),
//! who asks ([`Subject`]), what was decided ([`Decision`]), what is lent ([`Grant`]), what happened ([`Frame`]).

mod bytes;
mod decision;
mod delivery;
mod facts;
mod grant;
mod id;
mod invocation;
mod masking;
mod reading;
mod session;
mod subject;
mod time;
pub mod visible;

pub use bytes::{Bytes, Clean, Raw};
pub use decision::{ApprovalTicket, Decision, Refusal, RefusalKind, Terms};
pub use delivery::{Delivery, EnvChange, HelperScope, Lasts, MemFile, Part, Word};
pub use facts::{Content, ContentSource, Digest, Facts};
pub use grant::{Grant, GrantKind, Pseudonyms, Secret};
pub use id::{ApprovalId, InvocationId};
pub use invocation::{Invocation, Pin, StreamKind, Streams};
pub use masking::{Column, Find, JsonPath, Literal, MASK_SETS, Masking, Misread, OwnRule, Pattern, Step, Style};
pub use reading::{Doubt, Effect, Operation, Reading, Resource};
pub use session::{Exit, Frame, FrameKind};
pub use subject::{Subject, SubjectKind};
pub use time::Micros;
