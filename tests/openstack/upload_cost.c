/* SPDX-License-Identifier: ISC */
/*
 * upload_cost KERNEL: puts that file as an image into the OpenStack that OS_* name, as a deploy
 * does: what is there is listed, the file is sent and hashed, the image is looked at, compared and
 * marked, and a root disk beside it names it. Prints the id of that. With --delete instead of a
 * file everything of it is deleted. For `make bench`, against `openstack image create`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/clock.h"
#include "api/memory.h"
#include "openstack/provider.h"

#define TOKEN "00000000000000000000000000000b0b"
#define INSTALLATION "00000000000000000000000000000b0c"

static struct mir_family family(unsigned boots, const char *name, struct mir_needs needs)
{
    struct mir_family row = {
        .boots = boots, .verdict = MIR_VERDICT_BOOTS, .why = "as is said here", .needs = needs};
    mir_copy(row.family, sizeof row.family, name);
    return row;
}

/* Any file: nobody starts it. */
static void describe(struct mir_kernel *kernel, int64_t bytes)
{
    const struct mir_needs loads = {.direct_kernel = true};
    const struct mir_needs disk = {.image = MIR_IMAGE_QCOW2, .disk_bus = MIR_BUS_VIRTIO};
    *kernel = (struct mir_kernel){.bytes = (uint64_t)bytes,
                                  .unpacked_bytes = (uint64_t)bytes,
                                  .format = MIR_FORMAT_MULTIBOOT1,
                                  .arch = MIR_ARCH_X86_64,
                                  .boot_ways = MIR_BOOT_MULTIBOOT1};
    snprintf(kernel->sha256, sizeof kernel->sha256, "%064x", 1u);
    kernel->boots[kernel->boots_count++] =
        (struct mir_boots){.provider = "local", .verdict = MIR_VERDICT_BOOTS};
    kernel->boots[kernel->boots_count++] =
        (struct mir_boots){.provider = "openstack", .verdict = MIR_VERDICT_BOOTS, .how = "disk"};
    kernel->families[kernel->family_count++] = family(0, "qemu-pc", loads);
    kernel->families[kernel->family_count++] = family(1, "kvm-x86", disk);
}

static int put(struct mir_prov *prov, const char *path, struct mir_error *err)
{
    static struct mir_kernel kernel;
    static struct mir_instance_spec spec;
    struct stat st;
    struct mir_lease lease = {.durable = true};
    char id[MIR_INSTANCE_ID];
    if (stat(path, &st))
        return mir_fail(err, MIR_NOT_FOUND, "there is no %s", path);
    describe(&kernel, st.st_size);
    mir_copy(lease.id, sizeof lease.id, TOKEN);
    lease.deadline_s = mir_now_s(mir_clock_system()) + 3600;
    spec = (struct mir_instance_spec){.lease = &lease, .kernel = &kernel, .kernel_path = path};
    spec.tags.expires_s = lease.deadline_s;
    mir_copy(spec.tags.installation, sizeof spec.tags.installation, INSTALLATION);
    mir_copy(spec.tags.deployment, sizeof spec.tags.deployment, TOKEN);
    mir_copy(spec.tags.signature, sizeof spec.tags.signature, kernel.sha256);
    mir_copy(spec.name, sizeof spec.name, "bench");
    if (mir_prov_image_put(prov, &spec, id, err))
        return -1;
    printf("%s\n", id);
    return 0;
}

int main(int argc, char **argv)
{
    struct mir_error err = {0};
    struct mir_prov *prov = NULL;
    char folder[] = "/tmp/mirage-upload-XXXXXX";
    if (argc != 2 || !mkdtemp(folder)) {
        fprintf(stderr, "usage: %s KERNEL|--delete\n", argv[0]);
        return 2;
    }
    const struct mir_provider_env env = {
        .state_dir = folder, .installation = INSTALLATION, .clock = mir_clock_system()};
    int rc = mir_prov_open(&mir_provider_openstack, &env, &prov, &err);
    if (!rc)
        rc = !strcmp(argv[1], "--delete") ? mir_prov_image_delete(prov, TOKEN, "", &err)
                                          : put(prov, argv[1], &err);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    mir_prov_close(prov);
    mir_auto_free char *note = mir_format("%s/openstack/%s", folder, TOKEN);
    mir_auto_free char *inside = mir_format("%s/openstack", folder);
    (void)remove(note);
    (void)remove(inside);
    (void)remove(folder);
    return rc ? 1 : 0;
}
