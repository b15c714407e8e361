/* SPDX-License-Identifier: ISC */
/* What "local" promises beyond the interface: its keepers, disks, tenders and fault points. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "api/process.h"
#include "ctl.h"
#include "dir.h"
#include "firmware.h"
#include "local_target.h"
#include "run.h"
#include "status.h"

static const struct conformance_target *target_of(void **state)
{
    return *state;
}

static int instance_dir(const struct conformance_target *target, const struct conformance_case *c)
{
    mir_auto_free char *path = mir_format("%s/local/%s", target->env.state_dir, c->lease.id);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static struct local_status status_of(const struct conformance_target *target,
                                     const struct conformance_case *c)
{
    struct local_status status = {0};
    mir_auto_close int fd = instance_dir(target, c);
    assert_int_equal(local_status_load(fd, &status, NULL), 0);
    return status;
}

static void create(struct conformance_case *c)
{
    if (mir_prov_instance_create(c->prov, &c->spec, &c->instance, &c->err))
        fail_msg("create: %s (%s)", c->err.text, c->err.hint);
}

static struct conformance_case *running_case(const struct conformance_target *target, int64_t ttl_s)
{
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, ttl_s);
    create(c);
    assert_int_equal(conformance_wait(c, MIR_INSTANCE_RUNNING, 10000), 0);
    return c;
}

static void must_end(struct conformance_case *c, const char *reason)
{
    assert_int_equal(conformance_wait(c, MIR_INSTANCE_ENDED, 5000), 0);
    assert_string_equal(c->instance.end_reason, reason);
    assert_int_equal(local_target_running(c->spec.name), 0);
}

/* --- processes --- */

static void the_keeper_belongs_to_nobody(void **state)
{
    struct conformance_case *c = running_case(target_of(state), 60);
    pid_t keeper = status_of(target_of(state), c).keeper.pid;
    mir_auto_free char *path = mir_format("/proc/%d/stat", (int)keeper);
    mir_auto_free char *text = NULL;
    int parent = 0, group = 0, session = 0;
    assert_int_equal(mir_file_read(path, 4096, &text, NULL, NULL), 0);
    assert_int_equal(sscanf(strrchr(text, ')'), ") %*c %d %d %d", &parent, &group, &session), 3);
    assert_int_not_equal(parent, getpid());
    assert_int_not_equal(group, getpgrp());
    assert_int_not_equal(session, getsid(0));
    siginfo_t dead = {0}; /* nothing left to reap (a running probe of the accelerator may be) */
    waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT);
    assert_int_equal(dead.si_pid, 0);
    assert_int_equal(kill(keeper, SIGHUP), 0); /* a closed terminal means nothing to it */
    usleep(100000);
    assert_int_equal(local_target_running(c->spec.name), 1);
    conformance_case_end(c);
}

static void asked_by_signal(void **state)
{
    struct conformance_case *c = running_case(target_of(state), 60);
    assert_int_equal(kill(status_of(target_of(state), c).keeper.pid, SIGTERM), 0);
    must_end(c, "its keeper was asked to stop");
    conformance_case_end(c);
}

static void qemu_dies(void **state)
{
    struct conformance_case *c = running_case(target_of(state), 60);
    assert_int_equal(kill(status_of(target_of(state), c).guest.pid, SIGSEGV), 0);
    must_end(c, "QEMU died by signal 11");
    conformance_case_end(c);
}

static void a_hung_qemu_is_killed(void **state)
{
    struct conformance_case *c = running_case(target_of(state), 2);
    assert_int_equal(kill(status_of(target_of(state), c).guest.pid, SIGSTOP), 0);
    must_end(c, "deadline");
    conformance_case_end(c);
}

static void a_hung_keeper_is_killed(void **state)
{
    struct conformance_case *c = running_case(target_of(state), 60);
    assert_int_equal(kill(status_of(target_of(state), c).keeper.pid, SIGSTOP), 0);
    if (mir_prov_instance_delete(c->prov, c->lease.id, &c->err))
        fail_msg("%s", c->err.text);
    assert_int_equal(local_target_running(c->spec.name), 0);
    conformance_case_end(c);
}

static void secrets_stay_out_of_ps(void **state)
{
    struct conformance_case *c = running_case(target_of(state), 60);
    pid_t guest = status_of(target_of(state), c).guest.pid;
    static const char *const files[] = {"cmdline", "environ"};
    for (size_t i = 0; i < MIR_NELEMS(files); i++) {
        mir_auto_free char *path = mir_format("/proc/%d/%s", (int)guest, files[i]);
        mir_auto_free char *text = NULL;
        size_t len = 0;
        assert_int_equal(mir_file_read(path, 65536, &text, &len, NULL), 0);
        assert_null(memmem(text, len, "not-for-ps", 10));
    }
    struct stat st;
    mir_auto_close int fd = instance_dir(target_of(state), c);
    static const char *const kept[] = {LOCAL_SPEC_FILE, LOCAL_STATUS_FILE, LOCAL_QEMU_FILE,
                                       LOCAL_SOCKET_FILE, LOCAL_KEEPER_LOG};
    for (size_t i = 0; i < MIR_NELEMS(kept); i++) {
        assert_int_equal(fstatat(fd, kept[i], &st, 0), 0);
        assert_int_equal(st.st_mode & 077, 0);
    }
    conformance_case_end(c);
}

/* --- the control socket --- */

static int dial(int dir_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/ctl.sock", dir_fd);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void rude_callers(void **state)
{
    struct conformance_case *c = running_case(target_of(state), 60);
    mir_auto_close int dir_fd = instance_dir(target_of(state), c);
    int silent[20];
    char answer[LOCAL_CTL_REPLY_MAX];
    struct local_ctl_request request = {.op = LOCAL_CTL_STATUS};
    struct local_ctl_reply reply = {0};
    for (size_t i = 0; i < MIR_NELEMS(silent); i++)
        silent[i] = dial(dir_fd);
    assert_int_equal(local_ctl_call(dir_fd, &request, 1000, &reply, NULL), 0);
    assert_int_equal(reply.state, MIR_INSTANCE_RUNNING);
    assert_int_equal(reply.deadline_s, c->lease.deadline_s);
    static const char *const rude[] = {"\n", "{}\n", "GET / HTTP/1.1\r\n", "{\"op\":\"quit\"}\n"};
    for (size_t i = 0; i < MIR_NELEMS(rude); i++) {
        size_t len = 0;
        mir_auto_close int fd = dial(dir_fd);
        assert_int_equal(send(fd, rude[i], strlen(rude[i]), MSG_NOSIGNAL), strlen(rude[i]));
        assert_int_equal(local_ctl_read_line(fd, answer, sizeof answer, &len, 1000, NULL), 0);
        assert_non_null(strstr(answer, "\"ok\":false"));
        assert_non_null(strstr(answer, "\"code\":\"usage\""));
    }
    /* A line without an end: refused when its room is full. */
    size_t len = 0;
    mir_auto_close int fd = dial(dir_fd);
    char *endless = mir_calloc(4097, 1);
    memset(endless, ' ', 4096);
    send(fd, endless, 4096, MSG_NOSIGNAL);
    free(endless);
    local_ctl_read_line(fd, answer, sizeof answer, &len, 1000, NULL);
    assert_int_equal(local_ctl_call(dir_fd, &request, 1000, &reply, NULL), 0);
    for (size_t i = 0; i < MIR_NELEMS(silent); i++)
        close(silent[i]);
    conformance_case_end(c);
}

static void no_extension_after_the_end_began(void **state)
{
    struct conformance_case *c = running_case(target_of(state), 60);
    struct local_status status = status_of(target_of(state), c);
    mir_auto_close int dir_fd = instance_dir(target_of(state), c);
    struct local_ctl_request stop = {.op = LOCAL_CTL_STOP},
                             extend = {.op = LOCAL_CTL_DEADLINE, .deadline_s = 1};
    struct local_ctl_reply reply = {0};
    struct mir_error err = {0};
    extend.deadline_s = c->lease.deadline_s + 3600;
    assert_int_equal(kill(status.guest.pid, SIGSTOP), 0); /* so that ending takes a second */
    assert_int_equal(local_ctl_call(dir_fd, &stop, 1000, &reply, &err), 0);
    assert_int_equal(reply.state, MIR_INSTANCE_STOPPING);
    assert_int_equal(local_ctl_call(dir_fd, &extend, 1000, &reply, &err), -1);
    assert_int_equal(err.kind, MIR_CONFLICT);
    must_end(c, "asked to stop");
    assert_int_equal(status_of(target_of(state), c).deadline_s, c->lease.deadline_s);
    conformance_case_end(c);
}

/* --- starting --- */

static void a_kernel_that_qemu_refuses(void **state)
{
    struct conformance_case *c = conformance_case_new(target_of(state), GUEST_IDLE, 60);
    int fd = open(c->kernel_path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "\0\0\0\0", 4, 84), 4); /* away with the multiboot header */
    close(fd);
    assert_int_equal(mir_prov_instance_create(c->prov, &c->spec, &c->instance, &c->err), -1);
    assert_int_equal(c->err.kind, MIR_FAILED);
    assert_int_equal(c->err.outcome, MIR_DID_NOT_HAPPEN);
    assert_non_null(strstr(c->err.text, "QEMU does not start this kernel"));
    assert_int_equal(conformance_wait(c, MIR_INSTANCE_ABSENT, 0), 0);
    conformance_case_end(c);
}

struct racer {
    struct conformance_case *c;
    struct mir_instance instance;
    int rc;
};

static void *race(void *arg)
{
    struct racer *racer = arg;
    struct mir_error err = {0};
    racer->rc = mir_prov_instance_create(racer->c->prov, &racer->c->spec, &racer->instance, &err);
    return NULL;
}

static void the_same_token_from_four_threads(void **state)
{
    struct conformance_case *c = conformance_case_new(target_of(state), GUEST_IDLE, 60);
    struct racer racers[4];
    pthread_t threads[4];
    c->spec.port_count = 1;
    c->spec.ports[0].guest_port = 80;
    for (int i = 0; i < 4; i++) {
        racers[i] = (struct racer){.c = c};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(racers[i].rc, 0);
        assert_int_equal(racers[i].instance.ports[0].host_port,
                         racers[0].instance.ports[0].host_port);
    }
    assert_int_equal(local_target_running(c->spec.name), 1);
    conformance_case_end(c);
}

static void deleted_while_it_starts(void **state)
{
    for (int i = 0; i < 10; i++) {
        struct conformance_case *c = conformance_case_new(target_of(state), GUEST_IDLE, 60);
        struct racer racer = {.c = c};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, race, &racer), 0);
        usleep((useconds_t)i * 4000);
        struct mir_error err = {0};
        if (mir_prov_instance_delete(c->prov, c->lease.id, &err))
            fail_msg("%s", err.text);
        pthread_join(thread, NULL);
        /* Whoever came last has won; deleting now ends it in any case. */
        assert_int_equal(mir_prov_instance_delete(c->prov, c->lease.id, &err), 0);
        assert_int_equal(local_target_running(c->spec.name), 0);
        conformance_case_end(c);
    }
}

static void after_a_restart_of_the_machine(void **state)
{
    struct conformance_case *c = running_case(target_of(state), 60);
    struct local_status status = status_of(target_of(state), c);
    mir_auto_close int fd = instance_dir(target_of(state), c);
    assert_int_equal(kill(status.keeper.pid, SIGKILL), 0);
    must_end(c, "its keeper was killed");
    mir_copy(status.keeper.boot_id, sizeof status.keeper.boot_id, "another boot");
    assert_int_equal(local_status_save(fd, &status, true, NULL), 0);
    must_end(c, "the machine was restarted");
    conformance_case_end(c);
}

/* --- disks --- */

/* 16 bits: prints '!', then overwrites sector 1 of its disk through the firmware, prints the
 * firmware's answer ('0' for done), and stays. */
static const unsigned char disk_code[] = {
    0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, /* ds = es = 0 */
    0xba, 0xf8, 0x03, 0xb0, 0x21, 0xee, /* '!' on the serial line */
    0xb8, 0x01, 0x03,                   /* write one sector */
    0xbb, 0x00, 0x7c,                   /* from 0x7c00 */
    0xb9, 0x02, 0x00, 0xba, 0x80, 0x00, /* to cylinder 0, sector 2, head 0 of the first disk */
    0xcd, 0x13,                         /* by the firmware */
    0x88, 0xe0, 0x04, 0x30,             /* al = ah + '0' */
    0xba, 0xf8, 0x03, 0xee,             /* on the serial line */
    0xf4, 0xeb, 0xfd,
};

#define DISK_BYTES (1 << 20)

static char *make_disk(const char *dir, const char *format)
{
    char *raw = mir_format("%s/disk.raw", dir), *path = mir_format("%s/disk.%s", dir, format);
    unsigned char sector[512] = {0};
    memcpy(sector, disk_code, sizeof disk_code);
    sector[510] = 0x55;
    sector[511] = 0xaa;
    int fd = open(raw, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, sector, sizeof sector), sizeof sector);
    assert_int_equal(ftruncate(fd, DISK_BYTES), 0);
    close(fd);
    if (strcmp(format, "raw")) {
        mir_auto_free char *tool = mir_program_search("qemu-img", NULL);
        if (!tool) {
            print_message("SKIP: qemu-img is not installed, no %s disk\n", format);
            free(raw);
            free(path);
            return NULL;
        }
        const char *const words[] = {tool, "convert", "-O", format, raw, path};
        char *argv[MIR_NELEMS(words) + 1] = {NULL};
        struct mir_buf out;
        int status = 1;
        mir_buf_init(&out, 4096);
        for (size_t i = 0; i < MIR_NELEMS(words); i++)
            argv[i] = mir_strdup(words[i]);
        mir_auto_close int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(local_run(dir_fd, argv, 20000, -1, &out, &status, NULL), 0);
        assert_int_equal(status, 0);
        for (size_t i = 0; i < MIR_NELEMS(words); i++)
            free(argv[i]);
        mir_buf_clear(&out);
    }
    free(raw);
    return path;
}

static void disks_boot_and_stay_as_they_are(void **state)
{
    static const struct {
        enum mir_format format;
        const char *word;
        enum mir_bus bus; /* none: as the provider likes */
    } disks[] = {
        {MIR_FORMAT_DISK_RAW, "raw", MIR_BUS_NONE},   {MIR_FORMAT_DISK_QCOW2, "qcow2", MIR_BUS_IDE},
        {MIR_FORMAT_DISK_VHD, "vpc", MIR_BUS_VIRTIO}, {MIR_FORMAT_DISK_VMDK, "vmdk", MIR_BUS_IDE},
        {MIR_FORMAT_DISK_RAW, "raw", MIR_BUS_NVME},   {MIR_FORMAT_DISK_RAW, "raw", MIR_BUS_SCSI}};
    for (size_t i = 0; i < MIR_NELEMS(disks); i++) {
        mir_auto_free char *path = make_disk(target_of(state)->env.state_dir, disks[i].word);
        if (!path)
            continue;
        struct conformance_case *c = conformance_case_new(target_of(state), GUEST_IDLE, 60);
        mir_auto_free char *before = NULL;
        mir_auto_free char *after = NULL;
        size_t before_len, after_len;
        mir_copy(c->kernel_path, sizeof c->kernel_path, path);
        c->kernel.format = disks[i].format;
        c->spec.machine.disk = disks[i].bus;
        mir_copy(c->kernel.boots[0].how, sizeof c->kernel.boots[0].how, "qemu-disk");
        assert_int_equal(mir_file_read(path, 64 << 20, &before, &before_len, NULL), 0);
        create(c);
        struct mir_buf text;
        uint64_t next = 0;
        mir_buf_init(&text, 4096);
        for (int waited = 0; !strstr(mir_buf_text(&text), "!0") && waited < 500; waited++) {
            assert_int_equal(
                mir_prov_instance_console(c->prov, c->lease.id, next, &text, &next, &c->err), 0);
            usleep(20000);
        }
        assert_string_equal(mir_buf_text(&text), "!0"); /* it ran, and its write was taken */
        mir_buf_clear(&text);
        conformance_case_end(c);
        assert_int_equal(mir_file_read(path, 64 << 20, &after, &after_len, NULL), 0);
        assert_int_equal(after_len, before_len);
        assert_memory_equal(after, before, before_len);
    }
}

/* UEFI starts no disk of ours here, but says on the console that it looks for one; its variables
 * are the instance's own. */
static void uefi_is_started(void **state)
{
    if (access(LOCAL_FIRMWARE_FOLDER "/OVMF_CODE_4M.fd", R_OK)) {
        print_message("SKIP: UEFI IS NOT TESTED: ovmf is not installed\n");
        skip();
    }
    mir_auto_free char *path = make_disk(target_of(state)->env.state_dir, "raw");
    struct conformance_case *c = conformance_case_new(target_of(state), GUEST_IDLE, 60);
    mir_copy(c->kernel_path, sizeof c->kernel_path, path);
    c->kernel.format = MIR_FORMAT_DISK_RAW;
    c->spec.machine = (struct mir_machine){MIR_FIRMWARE_UEFI, MIR_BUS_NVME, MIR_CARD_NONE};
    c->spec.memory_bytes = MIR_UEFI_MEMORY;
    mir_copy(c->kernel.boots[0].how, sizeof c->kernel.boots[0].how, "qemu-disk");
    create(c);
    struct mir_buf text;
    uint64_t next = 0;
    mir_buf_init(&text, 1 << 20);
    for (int waited = 0; !strstr(mir_buf_text(&text), "BdsDxe: ") && waited < 3000; waited++) {
        assert_int_equal(
            mir_prov_instance_console(c->prov, c->lease.id, next, &text, &next, &c->err), 0);
        usleep(20000);
    }
    assert_non_null(strstr(mir_buf_text(&text), "BdsDxe: "));
    mir_buf_clear(&text);
    conformance_case_end(c);
}

/* --- tenders --- */

static void a_tender(void **state)
{
    const struct conformance_target *target = target_of(state);
    static const char script[] = "#!/bin/sh\necho \"$@\"\nread never || exit 7\n";
    mir_auto_free char *bin = mir_format("%s/bin", target->env.state_dir);
    mir_auto_free char *old = mir_strdup(getenv("PATH"));
    mir_auto_free char *path = mir_format("%s:%s", bin, old);
    assert_int_equal(mir_dir_make(bin, 0700, NULL), 0);
    mir_auto_close int fd = open(bin, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mir_file_write_at(fd, "solo5-spt", script, sizeof script - 1, 0700, NULL), 0);
    assert_int_equal(setenv("PATH", path, 1), 0);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    c->kernel.format = MIR_FORMAT_SOLO5_SPT;
    mir_copy(c->kernel.boots[0].how, sizeof c->kernel.boots[0].how, "solo5-spt");
    create(c);
    assert_int_equal(conformance_wait(c, MIR_INSTANCE_ENDED, 5000), 0);
    assert_string_equal(c->instance.end_reason, "guest exited with status 7");
    struct mir_buf text;
    uint64_t next = 0;
    mir_buf_init(&text, 4096);
    assert_int_equal(mir_prov_instance_console(c->prov, c->lease.id, 0, &text, &next, &c->err), 0);
    assert_string_equal(mir_buf_text(&text), "--mem=16 -- kernel token=not-for-ps deadline=1\n");
    mir_buf_clear(&text);
    assert_int_equal(setenv("PATH", old, 1), 0);
    conformance_case_end(c);
}

/* --- fault points --- */

/* The life of an instance in a program of its own (the plan of faults is read once per program):
 * this one again, with the case in its arguments. */
static int live(char **argv)
{
    struct mir_prov *prov = NULL;
    struct mir_instance instance;
    struct mir_hook hooks[MIR_HOOKS_MAX];
    size_t count;
    struct conformance_target target;
    struct mir_kernel kernel;
    char kernel_path[512];
    local_target_attach(&target, argv[2], "tcg");
    struct mir_lease lease = {.deadline_s = mir_now_s(target.env.clock) + 60, .durable = true};
    struct mir_instance_spec spec = {
        .lease = &lease, .kernel = &kernel, .kernel_path = kernel_path};
    mir_copy(lease.id, sizeof lease.id, argv[3]);
    mir_copy(spec.tags.deployment, sizeof spec.tags.deployment, argv[3]);
    mir_copy(spec.tags.installation, sizeof spec.tags.installation, target.env.installation);
    mir_copy(spec.name, sizeof spec.name, argv[4]);
    target.describe(GUEST_IDLE, &spec);
    mir_prov_open(target.provider, &target.env, &prov, NULL);
    if (prov && !mir_prov_instance_create(prov, &spec, &instance, NULL)) {
        lease.deadline_s += 5;
        mir_prov_hooks_arm(prov, &lease, hooks, MIR_HOOKS_MAX, &count, NULL);
        mir_prov_instance_delete(prov, lease.id, NULL);
    }
    mir_prov_close(prov);
    mir_config_free((struct mir_config *)(uintptr_t)target.env.config);
    return 0;
}

static unsigned lines_of(const char *path)
{
    mir_auto_free char *text = NULL;
    unsigned lines = 0;
    if (mir_file_read(path, 1 << 20, &text, NULL, NULL))
        return 0;
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    return lines;
}

/* One life with `variable` set to `value`; afterwards, without any fault, a delete has to leave
 * nothing behind. */
static void live_through(const struct conformance_target *target, const char *variable,
                         const char *value)
{
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    pid_t pid = fork();
    if (pid == 0) {
        setenv(variable, value, 1);
        execl("/proc/self/exe", "local_keeper", "live", target->env.state_dir, c->lease.id,
              c->spec.name, (char *)NULL);
        _exit(99);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    assert_true(local_target_running(c->spec.name) <= 1);
    struct mir_error err = {0};
    if (mir_prov_instance_delete(c->prov, c->lease.id, &err))
        fail_msg("%s=%s: %s", variable, value, err.text);
    if (local_target_running(c->spec.name) != 0)
        fail_msg("%s=%s: the guest still runs", variable, value);
    assert_int_equal(conformance_wait(c, MIR_INSTANCE_ABSENT, 0), 0);
    conformance_case_end(c);
}

static void every_point(const struct conformance_target *target, const char *variable,
                        const char *const *modes, size_t mode_count)
{
    char value[64], count_variable[64];
    mir_auto_free char *count_file = mir_format("%s/points", target->env.state_dir);
    snprintf(count_variable, sizeof count_variable, "%s_COUNT", variable);
    unlink(count_file);
    live_through(target, count_variable, count_file);
    unsigned points = lines_of(count_file);
    assert_true(points > 4);
    print_message("  %u points\n", points);
    for (size_t m = 0; m < mode_count; m++)
        for (unsigned n = 1; n <= points; n++) {
            snprintf(value, sizeof value, "%s:%u", modes[m], n);
            live_through(target, variable, value);
        }
}

static void the_provider_dies_or_fails_at_every_point(void **state)
{
    static const char *const modes[] = {"kill", "fail-before", "fail-after"};
    every_point(target_of(state), "MIRAGE_DEPLOY_FAULT", modes, MIR_NELEMS(modes));
}

static void the_keeper_dies_or_fails_at_every_point(void **state)
{
    static const char *const modes[] = {"kill", "fail-before", "fail-after"};
    every_point(target_of(state), "MIRAGE_DEPLOY_KEEPER_FAULT", modes, MIR_NELEMS(modes));
}

static void the_maker_died_before_the_guest(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    mir_auto_free char *path = mir_format("%s/local/%s", target->env.state_dir, c->lease.id);
    assert_int_equal(mir_dir_make(path, 0700, NULL), 0);
    assert_int_equal(conformance_wait(c, MIR_INSTANCE_ENDED, 0), 0);
    assert_string_equal(c->instance.end_reason, "never started");
    create(c); /* goes on: nothing was ever started under this token */
    assert_int_equal(conformance_wait(c, MIR_INSTANCE_RUNNING, 10000), 0);
    assert_int_equal(local_target_running(c->spec.name), 1);
    conformance_case_end(c);
}

/* A keeper whose guest never came to run has said so; whoever would have taken its place away has
 * died. Found like that it is no end of a guest, and the next start goes on with the place. */
static void the_maker_died_of_a_failed_start(void **state)
{
    const struct conformance_target *target = target_of(state);
    struct conformance_case *c = conformance_case_new(target, GUEST_IDLE, 60);
    mir_auto_free char *path = mir_format("%s/local/%s", target->env.state_dir, c->lease.id);
    struct local_status status = {.state = MIR_INSTANCE_ENDED, .ended_ms = 1};
    mir_copy(status.end_reason, sizeof status.end_reason, "ended while it started: deadline");
    assert_int_equal(mir_dir_make(path, 0700, NULL), 0);
    mir_auto_close int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(local_status_save(dir_fd, &status, false, NULL), 0);
    assert_int_equal(conformance_wait(c, MIR_INSTANCE_ENDED, 0), 0);
    assert_int_equal(c->instance.started_ms, 0);
    create(c);
    assert_int_equal(conformance_wait(c, MIR_INSTANCE_RUNNING, 10000), 0);
    assert_int_equal(local_target_running(c->spec.name), 1);
    conformance_case_end(c);
}

#define CHECK(fn)                                                                                  \
    {                                                                                              \
#fn, fn, NULL, NULL, &target                                                               \
    }

int main(int argc, char **argv)
{
    static struct conformance_target target;
    if (argc == 5 && !strcmp(argv[1], "live"))
        return live(argv);
    int rc = local_target_open(&target, "tcg");
    if (rc)
        return rc;
    const struct CMUnitTest tests[] = {
        CHECK(the_keeper_belongs_to_nobody),
        CHECK(asked_by_signal),
        CHECK(qemu_dies),
        CHECK(a_hung_qemu_is_killed),
        CHECK(a_hung_keeper_is_killed),
        CHECK(secrets_stay_out_of_ps),
        CHECK(rude_callers),
        CHECK(no_extension_after_the_end_began),
        CHECK(a_kernel_that_qemu_refuses),
        CHECK(the_same_token_from_four_threads),
        CHECK(deleted_while_it_starts),
        CHECK(after_a_restart_of_the_machine),
        CHECK(disks_boot_and_stay_as_they_are),
        CHECK(uefi_is_started),
        CHECK(a_tender),
        CHECK(the_maker_died_before_the_guest),
        CHECK(the_maker_died_of_a_failed_start),
        CHECK(the_provider_dies_or_fails_at_every_point),
        CHECK(the_keeper_dies_or_fails_at_every_point),
    };
    rc = cmocka_run_group_tests_name("local: keepers, disks, tenders, faults", tests, NULL, NULL);
    local_target_close(&target);
    return rc;
}
