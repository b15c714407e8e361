/* SPDX-License-Identifier: ISC */
#include "os_target.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/file.h"
#include "api/imager.h"
#include "api/memory.h"
#include "fake_aws.h"
#include "images/container.h"
#include "openstack/provider.h"

#define DISK_BYTES ((uint64_t)4 << 20)
#define KERNEL_BYTES 65536u
#define TOKEN "mirage-deploy:deployment"
#define NAME "mirage-deploy:name"

static char folder[64];
static unsigned kernels;
static struct fake_aws *fake;
static enum os_target_way way;

static void passes(int64_t ms)
{
    fake_aws_passes(fake, ms);
}

/* --- the truth: the ledger --- */

/* The servers of that name whose machines are on, or (unless built) to be; the id of the last. */
static unsigned servers(const char *name, char ret_id[64], bool built)
{
    unsigned count = 0;
    size_t i;
    json_t *row, *ledger = fake_aws_ledger(fake);
    json_array_foreach(json_object_get(ledger, "exists"), i, row)
    {
        const json_t *doc = json_object_get(row, "document");
        const char *vm = fake_aws_text(doc, "OS-EXT-STS:vm_state");
        bool on = !strcmp(vm, "active") || (!built && !strcmp(vm, "building"));
        if (strcmp(fake_aws_text(row, "kind"), "os-server") != 0 || !on ||
            strcmp(fake_aws_text(json_object_get(doc, "metadata"), NAME), name) != 0)
            continue;
        mir_copy(ret_id, 64, fake_aws_text(row, "id"));
        count++;
    }
    json_decref(ledger);
    return count;
}

static unsigned running(const char *name)
{
    char id[64];
    return servers(name, id, false);
}

/* Whatever has the token anywhere in what the cloud says of it. */
static unsigned left(const char *token)
{
    unsigned count = 0;
    size_t i;
    json_t *row, *ledger = fake_aws_ledger(fake);
    json_array_foreach(json_object_get(ledger, "exists"), i, row)
    {
        mir_auto_free char *text = json_dumps(row, JSON_COMPACT);
        /* That a trigger has come stays in Mistral's books. */
        if (!text || !strstr(text, token) || !strcmp(fake_aws_text(row, "kind"), "os-execution"))
            continue;
        fprintf(stderr, "left of %s: %s %s\n", token, fake_aws_text(row, "kind"),
                fake_aws_text(row, "id"));
        count++;
    }
    json_decref(ledger);
    return count;
}

/* --- guests: nobody runs there, so what they do is told to the fake --- */

static void play(enum conformance_guest guest, const char *name)
{
    char id[64];
    /* A machine that is still being built says nothing and is not switched off. */
    for (int i = 0; i < 100 && !servers(name, id, true); i++)
        passes(200);
    /* A guest that ends by a status, or crashes, ends no machine of Nova's. */
    bool off = guest == GUEST_EXIT || guest == GUEST_POWEROFF;
    if (!servers(name, id, true))
        abort();
    for (int i = 0; i < (guest == GUEST_FLOOD ? 1000 : 1); i++)
        fake_aws_guest(fake, id, CONFORMANCE_BANNER, 0);
    if (off)
        fake_aws_guest(fake, id, "", 1);
}

/* --- the kernel, and its disk: some bytes at the beginning --- */

static struct mir_family family(unsigned boots, const char *name, struct mir_needs needs)
{
    struct mir_family row = {
        .boots = boots, .verdict = MIR_VERDICT_BOOTS, .why = "as the test says", .needs = needs};
    mir_copy(row.family, sizeof row.family, name);
    return row;
}

static void describe(enum conformance_guest guest, struct mir_instance_spec *spec)
{
    /* The case that spec belongs to holds both; they are only borrowed as const by the spec. */
    struct mir_kernel *kernel = (struct mir_kernel *)(uintptr_t)spec->kernel;
    char *path = (char *)(uintptr_t)spec->kernel_path;
    const bool direct = way != OS_TARGET_DISK;
    const struct mir_needs loads = {.direct_kernel = true};
    const struct mir_needs disk = {.image = MIR_IMAGE_QCOW2,
                                   .layout = direct ? MIR_LAYOUT_BIOS : MIR_LAYOUT_NONE,
                                   .firmware = MIR_FIRMWARE_BIOS,
                                   .disk_bus = MIR_BUS_VIRTIO,
                                   .nic = MIR_NIC_VIRTIO};
    (void)guest;
    snprintf(path, 512, "%s/kernel", folder);
    *kernel = (struct mir_kernel){.bytes = KERNEL_BYTES,
                                  .unpacked_bytes = KERNEL_BYTES,
                                  .format = direct ? MIR_FORMAT_MULTIBOOT1 : MIR_FORMAT_DISK_RAW,
                                  .arch = MIR_ARCH_X86_64,
                                  .boot_ways = direct ? MIR_BOOT_MULTIBOOT1 : MIR_BOOT_BIOS_DISK,
                                  .takes_part = MIR_PART_DEADLINE,
                                  .min_memory_bytes = (uint64_t)16 << 20};
    /* Another one each time: an image that is there already would be borrowed. */
    snprintf(kernel->sha256, sizeof kernel->sha256, "%064x", ++kernels);
    kernel->boots[kernel->boots_count++] =
        (struct mir_boots){.provider = "local", .verdict = MIR_VERDICT_BOOTS};
    kernel->boots[kernel->boots_count++] =
        (struct mir_boots){.provider = "openstack", .verdict = MIR_VERDICT_BOOTS, .how = "disk"};
    if (direct)
        kernel->families[kernel->family_count++] = family(0, "qemu-pc", loads);
    kernel->families[kernel->family_count++] = family(1, "kvm-x86", disk);
    spec->memory_bytes = (uint64_t)16 << 20;
    mir_copy(spec->arguments, sizeof spec->arguments, "a=1 b=2");
}

struct mir_disk {
    int fd; /* of the disk in its container */
    uint64_t at;
    unsigned char data[KERNEL_BYTES];
};

static int write_container(int from, int to, const char *container, struct mir_error *err)
{
    mir_auto_disk struct img_disk disk;
    struct img_input input;
    struct img_output output;
    img_input_init(&input, from);
    img_output_init(&output, to);
    return img_disk_init(&disk, DISK_BYTES, err) ||
                   img_disk_input(&disk, 0, 0, KERNEL_BYTES, err) || img_disk_seal(&disk, err) ||
                   img_container_write(img_container_by_name(container), &disk, &input, &output,
                                       err) ||
                   lseek(to, 0, SEEK_SET)
               ? -1
               : 0;
}

static int file_open(void *ctx, const struct mir_instance_spec *spec, const struct mir_needs *needs,
                     const char *container, int64_t timeout_ms, struct mir_disk **ret,
                     struct mir_error *err)
{
    mir_auto_close int from = open(spec->kernel_path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return mir_fail(err, MIR_NOT_FOUND, "there is no kernel '%s'", spec->kernel_path);
    int to = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    (void)ctx;
    (void)needs;
    (void)timeout_ms;
    if (to < 0 || write_container(from, to, container, err))
        abort();
    *ret = mir_calloc(1, sizeof **ret);
    (*ret)->fd = to;
    return 0;
}

static int disk_next(struct mir_disk *disk, struct mir_disk_range *ret, struct mir_error *err)
{
    ssize_t n = read(disk->fd, disk->data, sizeof disk->data);
    if (n < 0)
        return mir_fail(err, MIR_FAILED, "the disk cannot be read");
    *ret = (struct mir_disk_range){.at = disk->at, .len = (uint64_t)n, .data = disk->data};
    disk->at += (uint64_t)n;
    return 0;
}

static void disk_close(struct mir_disk *disk)
{
    if (disk)
        close(disk->fd);
    free(disk);
}

static const struct mir_imager imager = {
    .open_file = file_open, .next = disk_next, .close = disk_close};

/* --- the target --- */

static void write_file(const char *name, const void *data, size_t len)
{
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || mir_write_all(fd, data, len))
        abort();
}

static struct mir_config *configure(void)
{
    const char *text = way == OS_TARGET_LEASE ? "[openstack]\nlease = yes\n" : "[openstack]\n";
    struct mir_config *config = NULL;
    mir_auto_free char *path = mir_format("%s/config", folder);
    write_file("config", text, strlen(text));
    if (mir_config_load_file(path, &config, NULL))
        abort();
    return config;
}

int os_target_open(struct conformance_target *ret, const char *program, enum os_target_way by)
{
    char dir[sizeof folder] = "/tmp/mirage-conformance-XXXXXX";
    static unsigned char kernel[KERNEL_BYTES];
    if (access(program, X_OK)) {
        printf("1..0 # SKIP %s is not built\n", program);
        return 77;
    }
    if (!mkdtemp(dir))
        return 1;
    way = by;
    mir_copy(folder, sizeof folder, dir);
    memset(kernel, 'k', sizeof kernel);
    write_file("kernel", kernel, sizeof kernel);
    setenv("HOME", folder, 1); /* nobody's clouds.yaml */
    unsetenv("OS_CLOUD");
    unsetenv("OS_CLIENT_CONFIG_FILE");
    mir_auto_free char *state = mir_format("%s/fake", folder);
    fake = fake_aws_start(program, state);
    if (!fake)
        return 1;
    fake_aws_set(fake, "os_workflow", 1);
    fake_aws_set(fake, "os_reservation", way == OS_TARGET_LEASE);
    fake_aws_set(fake, "boot_ms", 500);
    *ret = (struct conformance_target){
        .provider = &mir_provider_openstack,
        .env = {.config = configure(),
                .state_dir = folder,
                .installation = "0123456789abcdef0123456789abcdef",
                .tag_key = conformance_key,
                .clock = fake_aws_clock(),
                .imager = &imager},
        .describe = describe,
        .running = running,
        .left = left,
        .passes = passes,
        .play = play,
        .console = true,
        .console_live = true,
        .vanishes = true,
        .reasons = {[GUEST_EXIT] = "powered off", [GUEST_POWEROFF] = "powered off"},
        .look_ms = 2000,
        .lease_s = 180,
        /* The trigger comes up to four minutes after the deadline. */
        .gone_s = 300,
    };
    return 0;
}

void os_target_close(struct conformance_target *target)
{
    fake_aws_stop(fake);
    mir_config_free((struct mir_config *)(uintptr_t)target->env.config);
    mir_dir_remove_at(AT_FDCWD, folder, NULL);
}
