/* SPDX-License-Identifier: ISC */
#include "guests.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/file.h"
#include "api/log.h"
#include "api/memory.h"
#include "ec2_attribute.h"
#include "ec2_life.h"
#include "guest.h"
#include "guest_argv.h"
#include "guest_disk.h"
#include "nova.h"

#define QEMU "qemu-system-x86_64"
#define READS_MAX 64 /* of what a pipe may hold when its machine has ended */
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 10000

struct fc_guests {
    struct fc_world *world; /* borrowed */
    struct fc_guest *first; /* owned, by the thread */
    char *program;          /* owned */
    int wake_fd;
    bool stopping; /* under the world's lock */
    pthread_t thread;
};

static int64_t boot_ms(void)
{
    const struct mir_clock *clock = mir_clock_system();
    return clock->boot_ms(clock->ctx);
}

void fc_guests_wake(struct fc_guests *guests)
{
    const uint64_t one = 1;
    (void)!write(guests->wake_fd, &one, sizeof one);
}

/* Two bytes of the account's secret make the network, so that two fakes on one machine hardly ever
 * have the same. */
void fc_guests_address(const struct fc_world *world, uint64_t seq, char ret[16])
{
    char hex[5];
    snprintf(hex, sizeof hex, "%.4s", world->account.signing_key);
    unsigned long own = strtoul(hex, NULL, 16) + seq / 254;
    snprintf(ret, 16, "127.%u.%u.%u", (unsigned)(own >> 8) % 254 + 1, (unsigned)own & 255,
             (unsigned)(seq % 254) + 1);
}

/* --- what the world is told --- */

static bool instance_runs(const json_t *doc)
{
    return fc_instance_code(doc) == 16;
}

static void instance_broken(struct fc_world *world, struct fc_object *instance,
                            const struct fc_cause *cause)
{
    fc_life_terminate(world, instance, "Server.InternalError", cause);
}

static void server_broken(struct fc_world *world, struct fc_object *server,
                          const struct fc_cause *cause)
{
    fos_server_fail(world, server, 500, "Its machine has failed.", cause);
}

/* What a machine is to its cloud. */
static const struct role {
    const char *kind;
    bool (*runs)(const json_t *doc);
    void (*says)(struct fc_world *world, struct fc_object *object, const char *text,
                 int64_t now_ms);
    void (*is_off)(struct fc_world *world, struct fc_object *object, const struct fc_cause *cause);
    void (*is_broken)(struct fc_world *world, struct fc_object *object,
                      const struct fc_cause *cause);
} roles[] = {
    {"instance", instance_runs, fc_console_add, fc_life_powered_off, instance_broken},
    {FOS_SERVER, fos_server_runs, fos_server_console, fos_server_powered_off, server_broken},
};

static const struct role *role_of(const struct fc_guest *guest)
{
    size_t i = 0;
    while (i + 1 < MIR_NELEMS(roles) && strcmp(roles[i].kind, guest->kind) != 0)
        i++;
    return &roles[i];
}

static struct fc_object *object_of(const struct fc_guests *guests, const struct fc_guest *guest)
{
    return fc_store_get(guests->world->store, guest->kind, guest->region, guest->instance);
}

/* Its console goes into the instance's document, where GetConsoleOutput finds it. Each time the
 * whole document is written, so a guest that goes on talking is heard ever less often. */
static void take_console(struct fc_guests *guests, struct fc_guest *guest)
{
    struct fc_world *world = guests->world;
    int64_t now_ms = boot_ms();
    bool quiet = now_ms - guest->taken_ms > 2 * guest->pause_ms;
    guest->pause_ms = quiet ? PAUSE_MIN_MS : 2 * guest->pause_ms;
    if (guest->pause_ms > PAUSE_MAX_MS)
        guest->pause_ms = PAUSE_MAX_MS;
    guest->taken_ms = now_ms;
    pthread_mutex_lock(&world->lock);
    const struct fc_cause cause = {"guest.console", "-", fc_world_now_ms(world)};
    struct fc_object *object = object_of(guests, guest);
    if (object) {
        role_of(guest)->says(world, object, mir_buf_text(&guest->console), cause.now_ms);
        fc_world_commit(world, &cause);
    }
    pthread_mutex_unlock(&world->lock);
    mir_buf_reset(&guest->console);
}

/* Switched off by itself, or it never was a machine: what the cloud makes of that. */
static void tell_end(struct fc_guests *guests, const struct fc_guest *guest, bool broken)
{
    struct fc_world *world = guests->world;
    pthread_mutex_lock(&world->lock);
    const struct fc_cause cause = {broken ? "guest.error" : "guest.power_off", "-",
                                   fc_world_now_ms(world)};
    struct fc_object *object = object_of(guests, guest);
    bool runs = object && role_of(guest)->runs(object->doc);
    if (runs) {
        (broken ? role_of(guest)->is_broken : role_of(guest)->is_off)(world, object, &cause);
        fc_world_commit(world, &cause);
    }
    pthread_mutex_unlock(&world->lock);
}

/* --- machines --- */

static struct fc_guest *find(const struct fc_guests *guests, const char *instance)
{
    struct fc_guest *guest = guests->first;
    while (guest && strcmp(guest->instance, instance) != 0)
        guest = guest->next;
    return guest;
}

/* Off; what it said last is kept. */
static void forget(struct fc_guests *guests, struct fc_guest **slot)
{
    struct fc_guest *guest = *slot;
    *slot = guest->next;
    fc_guest_cut(guest);
    for (int i = 0; guest->console_fd >= 0 && i < READS_MAX && fc_guest_read(guest); i++)
        continue;
    if (guest->console.len)
        take_console(guests, guest);
    fc_guest_free(guest);
}

static int make_disks(const struct fc_guests *guests, const struct fc_guest_want *want,
                      struct mir_error *err)
{
    for (size_t i = 0; i < want->disk_count; i++)
        if (fc_guest_disk_make(guests->world->dir_fd, &want->disks[i], err))
            return -1;
    return fc_guest_file_make(guests->world->dir_fd, &want->kernel, err) ||
                   fc_guest_file_make(guests->world->dir_fd, &want->ramdisk, err)
               ? -1
               : 0;
}

/* One that is none stands in the list as well, so that it is not tried again and again. */
static void start(struct fc_guests *guests, const struct fc_guest_want *want)
{
    struct mir_error err = {0};
    struct fc_guest *guest = fc_guest_new(want);
    guest->next = guests->first;
    guest->pause_ms = PAUSE_MIN_MS;
    guests->first = guest;
    if (want->why_not) {
        mir_log(MIR_LOG_WARN, "guest", "%s has no machine: %s", want->instance, want->why_not);
    } else if (make_disks(guests, want, &err) ||
               fc_guest_start(guest, guests->world->dir_fd, guests->program, want, &err)) {
        mir_log(MIR_LOG_ERROR, "guest", "%s: %s%s%s", want->instance, err.text,
                *err.hint ? "; " : "", err.hint);
        tell_end(guests, guest, true);
    }
}

/* Disks are made while an instance is pending, from a snapshot that may be deleted next. */
static void adjust(struct fc_guests *guests, const struct fc_guest_wants *wants)
{
    for (struct fc_guest **slot = &guests->first; *slot;) {
        const struct fc_guest_want *want = fc_guest_want_of(wants, (*slot)->instance);
        if (want && want->on)
            slot = &(*slot)->next;
        else
            forget(guests, slot);
    }
    for (size_t i = 0; i < wants->count; i++) {
        const struct fc_guest_want *want = &wants->rows[i];
        struct fc_guest *guest = find(guests, want->instance);
        struct mir_error err = {0};
        if (!want->on) {
            if (!want->why_not && make_disks(guests, want, &err)) /* again when it is to run */
                mir_log(MIR_LOG_WARN, "guest", "%s: %s", want->instance, err.text);
            continue;
        }
        if (!guest)
            start(guests, want);
        else if (guest->pid)
            fc_guest_forward(guest, want);
    }
}

/* Folders of instances that are none any more. */
static void sweep_folders(const struct fc_guests *guests, const struct fc_guest_wants *wants)
{
    int fd = openat(guests->world->dir_fd, FC_GUEST_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        return;
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (*entry->d_name != '.' && !fc_guest_want_of(wants, entry->d_name))
            mir_dir_remove_at(fd, entry->d_name, NULL);
    closedir(folder);
}

/* False: it is over. */
static bool reconcile(struct fc_guests *guests)
{
    struct fc_world *world = guests->world;
    struct fc_guest_wants wants = {0};
    pthread_mutex_lock(&world->lock);
    bool stopping = guests->stopping;
    if (!stopping)
        fc_guest_wants_read(world, &wants);
    pthread_mutex_unlock(&world->lock);
    if (stopping)
        return false;
    adjust(guests, &wants);
    fc_guest_disks_sweep(world->dir_fd, &wants);
    sweep_folders(guests, &wants);
    fc_guest_wants_clear(&wants);
    return true;
}

/* --- waiting --- */

/* When the next console is to be taken; -1: there is none. */
static int next_ms(const struct fc_guests *guests)
{
    int64_t now_ms = boot_ms(), next = -1;
    for (const struct fc_guest *guest = guests->first; guest; guest = guest->next) {
        int64_t left = guest->taken_ms + guest->pause_ms - now_ms;
        left = left > 0 ? left : 0;
        if (guest->console.len && (next < 0 || left < next))
            next = left;
    }
    return (int)next;
}

static void take_due(struct fc_guests *guests)
{
    for (struct fc_guest *guest = guests->first; guest; guest = guest->next)
        if (guest->console.len && boot_ms() >= guest->taken_ms + guest->pause_ms)
            take_console(guests, guest);
}

static void ended(struct fc_guests *guests, struct fc_guest *guest)
{
    int status = fc_guest_ended(guest);
    bool broken = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (broken)
        mir_log(MIR_LOG_ERROR, "guest", "%s: QEMU has failed; see " FC_GUEST_DIR "/%s/%s",
                guest->instance, guest->instance, FC_GUEST_MESSAGES);
    close(guest->console_fd);
    guest->console_fd = -1;
    if (guest->console.len)
        take_console(guests, guest);
    tell_end(guests, guest, broken);
}

/* Until something has changed in the world. */
static void attend(struct fc_guests *guests)
{
    struct pollfd *fds = NULL;
    bool woken = false;
    while (!woken) {
        nfds_t count = 1;
        for (const struct fc_guest *guest = guests->first; guest; guest = guest->next)
            count += 2;
        fds = mir_realloc(fds, count, sizeof *fds);
        fds[0] = (struct pollfd){.fd = guests->wake_fd, .events = POLLIN};
        nfds_t at = 1;
        for (const struct fc_guest *guest = guests->first; guest; guest = guest->next) {
            fds[at++] = (struct pollfd){.fd = guest->console_fd, .events = POLLIN};
            fds[at++] = (struct pollfd){.fd = guest->qmp_fd, .events = POLLIN};
        }
        if (poll(fds, count, next_ms(guests)) < 0)
            continue;
        at = 1;
        for (struct fc_guest *guest = guests->first; guest; guest = guest->next, at += 2) {
            if (fds[at].revents && !fc_guest_read(guest))
                ended(guests, guest);
            if (fds[at + 1].revents)
                fc_guest_listen(guest);
        }
        take_due(guests);
        woken = fds[0].revents != 0;
    }
    uint64_t times;
    (void)!read(guests->wake_fd, &times, sizeof times);
    free(fds);
}

static void *look_after(void *ctx)
{
    struct fc_guests *guests = ctx;
    while (reconcile(guests))
        attend(guests);
    while (guests->first)
        forget(guests, &guests->first);
    return NULL;
}

/* --- start and stop --- */

/* Owned; NULL: it is not installed. */
static char *find_program(const char *name)
{
    const char *path = getenv("PATH");
    for (size_t len; path && *path; path += len + (path[len] == ':')) {
        len = strcspn(path, ":");
        mir_auto_free char *file = mir_format("%.*s/%s", (int)len, path, name);
        if (*file == '/' && !access(file, X_OK))
            return mir_steal(&file);
    }
    return NULL;
}

static void guests_free(struct fc_guests *guests)
{
    if (guests->wake_fd >= 0)
        close(guests->wake_fd);
    free(guests->program);
    free(guests);
}

int fc_guests_start(struct fc_world *world, struct mir_error *err)
{
    struct fc_guests *guests = mir_calloc(1, sizeof *guests);
    guests->world = world;
    guests->program = find_program(QEMU);
    guests->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (!guests->program || guests->wake_fd < 0) {
        mir_fail(err, MIR_UNAVAILABLE, "--guests qemu needs " QEMU);
        guests_free(guests);
        return mir_error_hint(err, "apt-get install qemu-system-x86");
    }
    pthread_mutex_lock(&world->lock);
    int failed = pthread_create(&guests->thread, NULL, look_after, guests);
    if (!failed)
        world->guests = guests;
    pthread_mutex_unlock(&world->lock);
    if (!failed)
        return 0;
    guests_free(guests);
    return mir_fail(err, MIR_FAILED, "cannot start a thread");
}

void fc_guests_stop(struct fc_world *world)
{
    struct fc_guests *guests = world->guests;
    if (!guests)
        return;
    pthread_mutex_lock(&world->lock);
    guests->stopping = true;
    pthread_mutex_unlock(&world->lock);
    fc_guests_wake(guests);
    pthread_join(guests->thread, NULL);
    pthread_mutex_lock(&world->lock);
    world->guests = NULL;
    pthread_mutex_unlock(&world->lock);
    guests_free(guests);
}
