/* SPDX-License-Identifier: ISC */
#include "ec2_target.h"

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
#include "ec2/chain.h"
#include "ec2/provider.h"
#include "ec2/s3.h"
#include "ec2_bundle.h"
#include "fake_aws.h"
#include "images/container.h"

#define DISK_BYTES ((uint64_t)1 << 30)
#define BUNDLE_BYTES ((uint64_t)4 << 20) /* all of it is packed, and unpacked by the fake */
#define RANGE_BYTES 65536u
#define ROLE "arn:aws:iam::123456789012:role/mirage-scheduler"
#define BUCKET "conformance"
#define BUCKET_MS 30000
#define TAG "mirage-deploy:deployment"

static char folder[64];
static unsigned kernels;
static struct fake_aws *fake;
static enum ec2_target_way way;

static void passes(int64_t ms)
{
    fake_aws_passes(fake, ms);
}

/* --- the truth: the ledger --- */

static const char *tag_of(const json_t *row, const char *key)
{
    size_t i;
    json_t *tag;
    json_array_foreach(json_object_get(json_object_get(row, "document"), "tagSet"), i, tag)
    {
        if (!strcmp(json_string_value(json_object_get(tag, "key")), key))
            return json_string_value(json_object_get(tag, "value"));
    }
    return "";
}

/* Of an instance that has not ended, nor begun to: those that have are shown for an hour. */
static bool runs(const json_t *row)
{
    const json_t *state = json_object_get(json_object_get(row, "document"), "instanceState");
    const char *name = fake_aws_text(state, "name");
    return strcmp(name, "terminated") != 0 && strcmp(name, "shutting-down") != 0;
}

/* The instances of that name that run, and the id of the last. */
static unsigned instances(const char *name, char ret_id[32])
{
    unsigned count = 0;
    size_t i;
    json_t *row, *ledger = fake_aws_ledger(fake);
    json_array_foreach(json_object_get(ledger, "exists"), i, row)
    {
        if (strcmp(fake_aws_text(row, "kind"), "instance") != 0 || !runs(row) ||
            strcmp(tag_of(row, "Name"), name) != 0)
            continue;
        mir_copy(ret_id, 32, fake_aws_text(row, "id"));
        count++;
    }
    json_decref(ledger);
    return count;
}

static unsigned running(const char *name)
{
    char id[32];
    return instances(name, id);
}

/* Whatever carries the token, in its tags, in its name, or in the name that it is to get. */
static unsigned left(const char *token)
{
    unsigned count = 0;
    size_t i;
    json_t *row, *ledger = fake_aws_ledger(fake);
    json_array_foreach(json_object_get(ledger, "exists"), i, row)
    {
        bool instance = !strcmp(fake_aws_text(row, "kind"), "instance");
        const char *key = fake_aws_text(json_object_get(row, "document"), "Key");
        bool its = !strcmp(tag_of(row, TAG), token) || strstr(fake_aws_text(row, "id"), token) ||
                   strstr(key, token);
        if (!its || (instance && !runs(row)))
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
    char id[32];
    /* A guest that ends by a status, or crashes, ends no machine of EC2. */
    bool off = guest == GUEST_EXIT || guest == GUEST_POWEROFF;
    if (!instances(name, id))
        abort();
    for (int i = 0; i < (guest == GUEST_FLOOD ? 1000 : 1); i++)
        fake_aws_guest(fake, id, CONFORMANCE_BANNER, 0);
    if (off)
        fake_aws_guest(fake, id, "", 1);
}

/* --- the kernel, and its disk: some bytes at the beginning --- */

static void describe(enum conformance_guest guest, struct mir_instance_spec *spec)
{
    /* The case that spec belongs to holds both; they are only borrowed as const by the spec. */
    struct mir_kernel *kernel = (struct mir_kernel *)(uintptr_t)spec->kernel;
    char *path = (char *)(uintptr_t)spec->kernel_path;
    const bool bundle = way == EC2_TARGET_BUNDLE;
    struct mir_needs needs = {.image = MIR_IMAGE_RAW,
                              .firmware = MIR_FIRMWARE_BIOS,
                              .disk_bus = bundle ? MIR_BUS_XEN : MIR_BUS_NVME,
                              .nic = bundle ? MIR_NIC_XEN : MIR_NIC_ENA,
                              .ena = !bundle};
    (void)guest;
    snprintf(path, 512, "%s/kernel", folder);
    *kernel = (struct mir_kernel){.bytes = RANGE_BYTES,
                                  .unpacked_bytes = RANGE_BYTES,
                                  .format = MIR_FORMAT_DISK_RAW,
                                  .arch = MIR_ARCH_X86_64,
                                  .boot_ways = MIR_BOOT_BIOS_DISK,
                                  .takes_part = MIR_PART_DEADLINE,
                                  .min_memory_bytes = (uint64_t)16 << 20,
                                  .boots_count = 1,
                                  .family_count = 1};
    /* Another one each time: an image that is there already would be borrowed. */
    snprintf(kernel->sha256, sizeof kernel->sha256, "%064x", ++kernels);
    kernel->boots[0] = (struct mir_boots){.provider = "ec2",
                                          .verdict = MIR_VERDICT_BOOTS,
                                          .how = "disk",
                                          .why = "a disk with a boot loader"};
    kernel->families[0] = (struct mir_family){.boots = 0,
                                              .family = "nitro",
                                              .verdict = MIR_VERDICT_BOOTS,
                                              .why = "a disk with a boot loader",
                                              .needs = needs};
    if (bundle)
        mir_copy(kernel->families[0].family, sizeof kernel->families[0].family, "xen-hvm");
    spec->memory_bytes = (uint64_t)16 << 20;
}

struct mir_disk {
    int fd; /* of the kernel */
    uint64_t at;
    struct ec2_bundle *bundle; /* owned; NULL: none */
    unsigned char data[RANGE_BYTES];
};

static int disk_open(void *ctx, const struct mir_instance_spec *spec, const struct mir_needs *needs,
                     int64_t timeout_ms, struct mir_disk **ret, uint64_t *ret_disk_bytes,
                     struct mir_error *err)
{
    int fd = open(spec->kernel_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mir_fail(err, MIR_NOT_FOUND, "there is no kernel '%s'", spec->kernel_path);
    struct mir_disk *disk = mir_calloc(1, sizeof *disk);
    (void)ctx;
    (void)needs;
    (void)timeout_ms;
    disk->fd = fd;
    *ret = disk;
    *ret_disk_bytes = DISK_BYTES;
    return 0;
}

static void disk_close(struct mir_disk *disk)
{
    if (disk) {
        close(disk->fd);
        ec2_bundle_free(disk->bundle);
    }
    free(disk);
}

static int write_container(int from, int to, const char *container, struct mir_error *err)
{
    mir_auto_disk struct img_disk disk;
    struct img_input input;
    struct img_output output;
    img_input_init(&input, from);
    img_output_init(&output, to);
    return img_disk_init(&disk, DISK_BYTES, err) || img_disk_input(&disk, 0, 0, RANGE_BYTES, err) ||
                   img_disk_seal(&disk, err) ||
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
    struct mir_disk *disk;
    uint64_t bytes;
    if (disk_open(ctx, spec, needs, timeout_ms, &disk, &bytes, err))
        return -1;
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || write_container(disk->fd, fd, container, err))
        abort();
    close(disk->fd);
    disk->fd = fd;
    *ret = disk;
    return 0;
}

static int bundle_open(void *ctx, const struct mir_instance_spec *spec,
                       const struct mir_needs *needs, const struct mir_bundle *bundle,
                       int64_t timeout_ms, struct mir_disk **ret, struct mir_error *err)
{
    struct mir_disk *disk = NULL;
    uint64_t bytes;
    if (disk_open(ctx, spec, needs, timeout_ms, &disk, &bytes, err) || !disk)
        return -1;
    disk->bundle = ec2_bundle_make(bundle, disk->fd, RANGE_BYTES, BUNDLE_BYTES, err);
    if (!disk->bundle) {
        disk_close(disk);
        return -1;
    }
    *ret = disk;
    return 0;
}

static int disk_next(struct mir_disk *disk, struct mir_disk_range *ret, struct mir_error *err)
{
    if (disk->bundle) {
        ec2_bundle_next(disk->bundle, ret);
        return 0;
    }
    ssize_t n = read(disk->fd, disk->data, sizeof disk->data);
    if (n < 0)
        return mir_fail(err, MIR_FAILED, "the kernel cannot be read");
    *ret = (struct mir_disk_range){.at = disk->at, .len = (uint64_t)n, .data = disk->data};
    disk->at += (uint64_t)n;
    return 0;
}

static const struct mir_imager imager = {.open = disk_open,
                                         .open_file = file_open,
                                         .open_bundle = bundle_open,
                                         .next = disk_next,
                                         .close = disk_close};

/* --- the target --- */

static void write_file(const char *name, const void *data, size_t len)
{
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || mir_write_all(fd, data, len))
        abort();
}

static void make_bucket(void)
{
    const struct ec2_chain_settings keys = {.clock = fake_aws_clock()};
    struct ec2_chain *chain = ec2_chain_new(&keys);
    struct ec2_session_settings settings = {.region = getenv("AWS_REGION"),
                                            .credentials = ec2_chain_source(chain)};
    const struct ec2_s3_object bucket = {.bucket = BUCKET};
    settings.endpoints[EC2_S3] = getenv("AWS_ENDPOINT_URL");
    struct ec2_session *session = ec2_session_new(&settings, NULL);
    if (!session || ec2_s3_create_bucket_as(session, &bucket, "ObjectWriter",
                                            ec2_until(session, BUCKET_MS), NULL))
        abort();
    ec2_session_free(session);
    ec2_chain_free(chain);
}

static struct mir_config *configure(void)
{
    static const char *const ways[] = {
        [EC2_TARGET_DIRECT] = "",
        [EC2_TARGET_S3] = "upload = s3\nbucket = " BUCKET "\nimport_role = vmimport\n",
        [EC2_TARGET_BUNDLE] = "upload = bundle\nbucket = " BUCKET "\n"};
    mir_auto_free char *keys = mir_format("bundle_cert = %s/user.pem\nbundle_key = %s/user.key\n"
                                          "bundle_ec2_cert = %s/ec2.pem\n",
                                          folder, folder, folder);
    mir_auto_free char *text =
        mir_format("[ec2]\nrole = " ROLE "\n%s%s", ways[way], way == EC2_TARGET_BUNDLE ? keys : "");
    struct mir_config *config = NULL;
    mir_auto_free char *path = mir_format("%s/config", folder);
    write_file("config", text, strlen(text));
    if (mir_config_load_file(path, &config, NULL))
        abort();
    return config;
}

int ec2_target_open(struct conformance_target *ret, const char *program, enum ec2_target_way by)
{
    char dir[sizeof folder] = "/tmp/mirage-conformance-XXXXXX";
    static unsigned char kernel[RANGE_BYTES];
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
    setenv("HOME", folder, 1); /* nobody's profiles */
    unsetenv("AWS_PROFILE");
    unsetenv("AWS_SESSION_TOKEN");
    mir_auto_free char *state = mir_format("%s/fake", folder);
    fake = fake_aws_start(program, state);
    if (!fake)
        return 1;
    if (way != EC2_TARGET_DIRECT)
        make_bucket();
    if (way == EC2_TARGET_BUNDLE)
        ec2_bundle_keys(fake, folder);
    *ret = (struct conformance_target){
        .provider = &mir_provider_ec2,
        .env = {.config = configure(),
                .state_dir = folder,
                .installation = "0123456789abcdef0123456789abcdef",
                .clock = fake_aws_clock(),
                .imager = &imager},
        .describe = describe,
        .running = running,
        .left = left,
        .passes = passes,
        .play = play,
        .console = true,
        .reasons = {[GUEST_EXIT] = "Client.InstanceInitiatedShutdown",
                    [GUEST_POWEROFF] = "Client.InstanceInitiatedShutdown"},
        .look_ms = 2000,
        .lease_s = 120,
        /* The schedule comes up to two minutes after the deadline. */
        .gone_s = 180,
    };
    return 0;
}

void ec2_target_close(struct conformance_target *target)
{
    fake_aws_stop(fake);
    mir_config_free((struct mir_config *)(uintptr_t)target->env.config);
    mir_dir_remove_at(AT_FDCWD, folder, NULL);
}
