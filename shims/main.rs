//! The one program that every shim name links to: git, kubectl, psql, curl, and git's credential helper.

/// musl's own allocator maps and unmaps pages for a few bytes: in a program that lives for milliseconds, a system call
/// and a page fault each.
#[global_allocator]
static MEMORY: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() {
    std::process::exit(portcullis::shim::run());
}
