//! What a process can give up for good: memory, time, files, network, system calls.

use super::{Bounds, Walls};
use crate::imaging::heic;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, RestrictionStatus,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use std::{collections::BTreeMap, fs, io, path::Path};

/// Descriptors: the three it has, their copies, and what the language's runtime opens before.
const DESCRIPTORS: u64 = 16;
/// What a program that was not made for it opens: libraries, and the list of them.
const READABLE: [&str; 4] = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache"];

/// Confines this process. Limits of memory and time are certain; the walls are put up where the kernel can.
pub(super) fn confine(bounds: &Bounds) -> io::Result<Walls> {
    expendable()?;
    // From here on its files in /proc are no longer its own.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    limit(Resource::As, address_space()? + bounds.memory)?;
    limit(Resource::Cpu, bounds.seconds.max(1))?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, DESCRIPTORS)?;
    let files = files(None).is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced);
    let calls = few_calls().is_ok();
    Ok(Walls { files, calls })
}

/// Confines this process before it becomes `program`, which reads and writes in one folder only.
pub(super) fn to_folder(folder: &Path, program: &Path) -> io::Result<()> {
    expendable()?;
    limit(Resource::As, heic::MEMORY)?;
    limit(Resource::Cpu, heic::CPU_SECONDS)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, heic::MOST_BYTES)?;
    limit(Resource::Nofile, 2 * DESCRIPTORS)?;
    // What the kernel cannot do is told of the decoder, which comes next.
    let _ = files(Some((folder, program)));
    let _ = alone();
    Ok(())
}

/// Ends with its worker, and before it.
fn expendable() -> io::Result<()> {
    // A decoder without its worker has nobody to answer.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // If memory is short everywhere, the kernel takes this process and not the worker.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    Ok(())
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let both = Rlimit { current: Some(most), maximum: Some(most) };
    Ok(rustix::process::setrlimit(resource, both)?)
}

/// Bytes of address space taken so far.
fn address_space() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kib = line.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib << 10).ok_or_else(|| io::Error::other("/proc/self/status has no VmSize"))
}

/// No connection can be made, no other process signalled, and no file opened: but in a folder, and to run a program.
fn files(but: Option<(&Path, &Path)>) -> Result<RestrictionStatus, RulesetError> {
    let (read, all) = (AccessFs::from_read(ABI::V5), AccessFs::from_all(ABI::V5));
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?;
    if let Some((folder, program)) = but {
        ruleset = ruleset
            .add_rules(path_beneath_rules(READABLE, read))?
            .add_rules(path_beneath_rules([program], read))?
            .add_rules(path_beneath_rules([folder], all & !AccessFs::Execute))?;
    }
    ruleset.restrict_self()
}

/// No sockets, no other process, nothing of the kernel's that a converter does not need.
fn alone() -> Result<(), Box<dyn std::error::Error>> {
    let never = [
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kill,
        libc::SYS_pidfd_open,
        libc::SYS_mount,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_add_key,
        libc::SYS_keyctl,
        // It hides its flags, and the C library goes on with `clone` where there is none.
        libc::SYS_clone3,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fork,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        never.into_iter().map(|call| (call, Vec::new())).collect();
    let thread = u64::try_from(libc::CLONE_THREAD)?;
    rules.insert(libc::SYS_clone, vec![when(0, SeccompCmpOp::MaskedEq(thread), 0)?]);
    filter(rules, Otherwise::Allowed)
}

/// What computing, its threads and its allocator need. Any other call is answered as if the kernel did not know it.
fn few_calls() -> Result<(), Box<dyn std::error::Error>> {
    let always = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_lseek,
        libc::SYS_fcntl,
        libc::SYS_mmap,
        libc::SYS_mprotect,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_futex,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        always.into_iter().map(|call| (call, Vec::new())).collect();
    let thread = u64::try_from(libc::CLONE_THREAD)?;
    // A thread, no process; `clone3` hides its flags, and the C library goes on with `clone` where there is none.
    rules.insert(libc::SYS_clone, vec![when(0, SeccompCmpOp::MaskedEq(thread), thread)?]);
    let name = u64::try_from(libc::PR_SET_NAME)?;
    rules.insert(libc::SYS_prctl, vec![when(0, SeccompCmpOp::Eq, name)?]);
    // Limits may be asked for, not set.
    rules.insert(libc::SYS_prlimit64, vec![when(2, SeccompCmpOp::Eq, 0)?]);
    filter(rules, Otherwise::Unknown)
}

/// What a call is that no rule names; those named are the contrary.
enum Otherwise {
    Allowed,
    Unknown,
}

fn filter(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: Otherwise,
) -> Result<(), Box<dyn std::error::Error>> {
    let unknown = SeccompAction::Errno(u32::try_from(libc::ENOSYS)?);
    let (others, named) = match otherwise {
        Otherwise::Allowed => (SeccompAction::Allow, unknown),
        Otherwise::Unknown => (unknown, SeccompAction::Allow),
    };
    let arch = std::env::consts::ARCH.try_into()?;
    let program: BpfProgram = SeccompFilter::new(rules, others, named, arch)?.try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(())
}

fn when(
    argument: u8,
    is: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, seccompiler::BackendError> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Qword, is, value)?;
    SeccompRule::new(vec![condition])
}
