/* SPDX-License-Identifier: ISC */
#include "accel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"
#include "api/process.h"
#include "dir.h"
#include "reason.h"
#include "run.h"

#define VERDICT_FILE "accelerator.json"
#define PROBE_FILE "probe.img"
#define PROBE_LIMIT_MS 2000
#define PROBE_VALUE 0x29 /* leaves QEMU with 2 * value + 1 */

/* A boot sector, 16-bit. Besides plain instructions it does the one thing at which half-working
 * nested KVMs were seen to fail: loading the SSE control register. */
static const unsigned char probe_code[] = {
    0x31, 0xc0,                                /* xor ax, ax */
    0x8e, 0xd8,                                /* mov ds, ax */
    0x0f, 0x20,        0xe0,                   /* mov eax, cr4 */
    0x66, 0x0d,        0x00, 0x06, 0x00, 0x00, /* or eax, OSFXSR | OSXMMEXCPT */
    0x0f, 0x22,        0xe0,                   /* mov cr4, eax */
    0x0f, 0xae,        0x16, 0x1c, 0x7c,       /* ldmxcsr [0x7c1c] */
    0xba, 0x01,        0x05,                   /* mov dx, 0x501 */
    0xb0, PROBE_VALUE,                         /* mov al, PROBE_VALUE */
    0xee,                                      /* out dx, al */
    0xf4,                                      /* hlt */
    0x80, 0x1f,        0x00, 0x00,             /* at 0x7c1c: the register's reset value */
};

static int write_probe(int root_fd)
{
    unsigned char sector[512] = {0};
    memcpy(sector, probe_code, sizeof probe_code);
    sector[510] = 0x55;
    sector[511] = 0xaa;
    return mir_file_write_at(root_fd, PROBE_FILE, sector, sizeof sector, 0600, NULL);
}

static int probe_says(int rc, int status, const char *output, int64_t took_ms, char why[160])
{
    if (!rc && WIFEXITED(status) && WEXITSTATUS(status) == 2 * PROBE_VALUE + 1) {
        snprintf(why, 160, "a probe guest ran in %" PRId64 " ms", took_ms);
        return 1;
    }
    char line[100];
    local_last_line(output, line, sizeof line);
    if (strstr(output, "KVM internal error"))
        snprintf(why, 160, "KVM is there but fails on a guest's instructions");
    else if (rc)
        snprintf(why, 160, "the probe guest did not finish within %d ms", PROBE_LIMIT_MS);
    else
        snprintf(why, 160, "the probe guest failed: %s", line);
    return 0;
}

int local_accel_probe(int root_fd, const struct local_qemu *qemu, const char *accelerator,
                      int cancel_fd, char ret_why[160])
{
    const struct mir_clock *clock = mir_clock_system();
    struct mir_error err = {0};
    if (write_probe(root_fd)) {
        snprintf(ret_why, 160, "cannot write the probe guest");
        return 0;
    }
    mir_auto_free char *machine = mir_format("pc,accel=%s", accelerator);
    /* Nothing is written to the image, so probes may share it: no lock on it. */
    const char *const words[] = {qemu->path,
                                 "-machine",
                                 machine,
                                 "-nodefaults",
                                 "-no-user-config",
                                 "-display",
                                 "none",
                                 "-no-reboot",
                                 "-m",
                                 "16M",
                                 "-device",
                                 "isa-debug-exit",
                                 "-drive",
                                 "file=" PROBE_FILE ",format=raw,if=ide,file.locking=off",
                                 NULL};
    mir_auto_buf struct mir_buf out;
    mir_buf_init(&out, 4096);
    int status = 0;
    int64_t began_ms = clock->boot_ms(clock->ctx);
    char *argv[MIR_NELEMS(words)] = {NULL};
    for (size_t i = 0; words[i]; i++)
        argv[i] = mir_strdup(words[i]);
    int rc = local_run(root_fd, argv, PROBE_LIMIT_MS, cancel_fd, &out, &status, &err);
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    if (err.kind == MIR_INTERRUPTED)
        return -1;
    return probe_says(rc, status, mir_buf_text(&out), clock->boot_ms(clock->ctx) - began_ms,
                      ret_why);
}

static void boot_id(char out[MIR_BOOT_ID_TEXT])
{
    struct mir_process self = {0};
    mir_process_of(getpid(), &self, NULL);
    memcpy(out, self.boot_id, MIR_BOOT_ID_TEXT);
}

static int kept(struct local_accel *accel)
{
    char path[LOCAL_FD_PATH], boot[MIR_BOOT_ID_TEXT];
    mir_auto_free char *text = NULL;
    size_t len;
    local_fd_path(accel->root_fd, VERDICT_FILE, path);
    if (mir_file_read(path, LOCAL_JSON_MAX, &text, &len, NULL))
        return 0;
    json_t *json = mir_json_parse(text, len, LOCAL_JSON_MAX, NULL);
    const char *boot_kept, *program, *why;
    json_int_t mtime_ns;
    int works;
    boot_id(boot);
    int same =
        !json_unpack_ex(json, NULL, JSON_STRICT, "{s:s,s:s,s:I,s:b,s:s}", "boot_id", &boot_kept,
                        "path", &program, "mtime_ns", &mtime_ns, "works", &works, "why", &why) &&
        !strcmp(boot_kept, boot) && !strcmp(program, accel->qemu.path) &&
        mtime_ns == accel->qemu.mtime_ns;
    if (same) {
        accel->known = true;
        accel->kvm_works = works;
        mir_copy(accel->why, sizeof accel->why, why);
    }
    json_decref(json);
    return same;
}

static void keep(const struct local_accel *accel, int works, const char *why)
{
    char boot[MIR_BOOT_ID_TEXT];
    boot_id(boot);
    json_t *json =
        json_pack("{s:s,s:s,s:I,s:b,s:s}", "boot_id", boot, "path", accel->qemu.path, "mtime_ns",
                  (json_int_t)accel->qemu.mtime_ns, "works", works, "why", why);
    mir_auto_free char *text = mir_json_text(json);
    json_decref(json);
    mir_file_write_at(accel->root_fd, VERDICT_FILE, text, strlen(text), 0600, NULL);
}

static void *probe_thread(void *arg)
{
    struct local_accel *accel = arg;
    char why[160];
    int works = local_accel_probe(accel->root_fd, &accel->qemu, "kvm", accel->cancel_fd, why);
    if (works < 0)
        return NULL;
    keep(accel, works, why);
    pthread_mutex_lock(&accel->mutex);
    accel->known = true;
    accel->kvm_works = works;
    mir_copy(accel->why, sizeof accel->why, why);
    pthread_cond_broadcast(&accel->settled);
    pthread_mutex_unlock(&accel->mutex);
    return NULL;
}

void local_accel_open(struct local_accel *accel, enum local_accel_choice choice, int root_fd,
                      const struct local_qemu *qemu)
{
    *accel = (struct local_accel){.choice = choice, .root_fd = root_fd, .cancel_fd = -1};
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&accel->settled, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&accel->mutex, NULL);
    snprintf(accel->why, sizeof accel->why, "KVM is not yet probed");
    if (choice != LOCAL_ACCEL_AUTO)
        return;
    if (access("/dev/kvm", R_OK | W_OK)) {
        accel->known = true;
        snprintf(accel->why, sizeof accel->why, "/dev/kvm is absent or not ours to open");
        return;
    }
    if (!qemu)
        return;
    accel->qemu = *qemu;
    if (kept(accel))
        return;
    accel->cancel_fd = eventfd(0, EFD_CLOEXEC);
    accel->probing = pthread_create(&accel->thread, NULL, probe_thread, accel) == 0;
}

void local_accel_close(struct local_accel *accel)
{
    if (accel->probing) {
        eventfd_write(accel->cancel_fd, 1);
        pthread_join(accel->thread, NULL);
    }
    if (accel->cancel_fd >= 0)
        close(accel->cancel_fd);
    accel->probing = false;
    pthread_cond_destroy(&accel->settled);
    pthread_mutex_destroy(&accel->mutex);
}

const char *local_accel_now(struct local_accel *accel, char ret_why[160])
{
    if (accel->choice != LOCAL_ACCEL_AUTO) {
        snprintf(ret_why, 160, "chosen by configuration");
        return accel->choice == LOCAL_ACCEL_KVM ? "kvm" : "tcg";
    }
    pthread_mutex_lock(&accel->mutex);
    bool kvm = accel->known && accel->kvm_works;
    memcpy(ret_why, accel->why, 160);
    pthread_mutex_unlock(&accel->mutex);
    return kvm ? "kvm" : "tcg";
}

const char *local_accel_wait(struct local_accel *accel, char ret_why[160])
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PROBE_LIMIT_MS / 1000 + 1;
    pthread_mutex_lock(&accel->mutex);
    while (accel->probing && !accel->known &&
           !pthread_cond_timedwait(&accel->settled, &accel->mutex, &until))
        ;
    pthread_mutex_unlock(&accel->mutex);
    return local_accel_now(accel, ret_why);
}
