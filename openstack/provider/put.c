/* SPDX-License-Identifier: ISC */
/* The upload. A kernel that the cloud loads by itself becomes an image of kind aki, and a root disk
 * that holds nothing but names it; any other becomes a disk. What is there already is gone on with:
 * an image of the same content that this installation has is borrowed, and one that was left in the
 * middle is deleted and made again. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "put.h"

#define PUT_MS 600000
#define BORROW_S 900 /* an image has to be its owner's for so long at least */
#define ROOT_BYTES 65536

/* --- what is there already --- */

/* Somebody else's deadline must not come between this and the launch. */
static bool may_borrow(const struct put *put, const struct mir_tags *tags)
{
    return stack_is_of(put->stack, tags, NULL) &&
           tags->expires_s >= mir_now_s(put->stack->clock) + BORROW_S;
}

static int put_away(struct put *put, const char *id, struct mir_error *err)
{
    struct mir_error said = {0};
    int rc = os_image_delete(put->site->session, id, put->until_ms, &said);
    return stack_gone(rc, &said, err);
}

static bool is_whole(const struct os_image *row)
{
    return !strcmp(row->status, "active") &&
           os_pair_value(row->properties, row->property_count, MARK_WHOLE);
}

/* A listing may be older than the image is; what is not whole on a second look is made again. */
static int look_again(struct put *put, const char *id, char ret_id[OS_ID_TEXT],
                      struct mir_error *err)
{
    os_auto_image struct os_image image = {.name = NULL};
    struct mir_error said = {0};
    if (os_image_get(put->site->session, id, put->until_ms, &image, &said))
        return stack_gone(-1, &said, err);
    if (!is_whole(&image))
        return put_away(put, id, err);
    mir_copy(ret_id, OS_ID_TEXT, id);
    return 0;
}

/* *ret_id "": it is to be made. */
static int find(struct put *put, const char *disk, char ret_id[OS_ID_TEXT], struct mir_error *err)
{
    *ret_id = '\0';
    for (size_t i = 0; i < put->found.count; i++) {
        const struct os_image *row = &put->found.rows[i];
        struct mir_tags tags;
        const char *its = os_pair_value(row->properties, row->property_count, MARK_DISK);
        stack_marks_read(row->properties, row->property_count, &tags);
        bool own = stack_is_of(put->stack, &tags, put->spec->tags.deployment);
        put->began |= own;
        if (!its || strcmp(its, disk) != 0)
            continue;
        if (is_whole(row) && (own || (!*ret_id && may_borrow(put, &tags))))
            mir_copy(ret_id, OS_ID_TEXT, row->id);
        else if (own && look_again(put, row->id, ret_id, err))
            return -1;
    }
    return 0;
}

/* --- how it is described --- */

struct described {
    struct stack_marks marks;
    struct os_create_image args;
    char name[STACK_NAME_TEXT];
};

static void describe(const struct put *put, const char *disk, const char *disk_format,
                     const char *container_format, struct described *ret)
{
    static const char *const tags[] = {STACK_TAG};
    stack_marks_fill(&ret->marks, &put->spec->tags, put->spec->name);
    stack_marks_add(&ret->marks, MARK_DISK, disk);
    snprintf(ret->name, sizeof ret->name, "mirage-%.100s", disk);
    ret->args = (struct os_create_image){.name = ret->name,
                                         .disk_format = disk_format,
                                         .container_format = container_format,
                                         .visibility = "private",
                                         .tags = tags,
                                         .tag_count = 1};
}

/* IDE stands on the old board only, and a kernel with a manifest must see no disk that is not in
 * it: what it does not know it aborts at. */
static void add_hardware(const struct mir_needs *needs, struct stack_marks *marks)
{
    static const char *const buses[] = {[MIR_BUS_IDE] = "ide",
                                        [MIR_BUS_SCSI] = "scsi",
                                        [MIR_BUS_VIRTIO] = "virtio",
                                        [MIR_BUS_XEN] = "xen"};
    const char *bus = (size_t)needs->disk_bus < MIR_NELEMS(buses) ? buses[needs->disk_bus] : NULL;
    if (bus)
        stack_marks_add(marks, "hw_disk_bus", bus);
    if (needs->disk_bus == MIR_BUS_IDE)
        stack_marks_add(marks, "hw_machine_type", "pc");
    if (needs->nic == MIR_NIC_VIRTIO || needs->nic == MIR_NIC_NONE)
        stack_marks_add(marks, "hw_vif_model", "virtio");
    if (needs->firmware == MIR_FIRMWARE_UEFI)
        stack_marks_add(marks, "hw_firmware_type", "uefi");
    /* A unikernel hears no button: whoever stops it need not wait. */
    stack_marks_add(marks, "os_shutdown_timeout", "1");
}

static int send_it(struct put *put, struct described *described, struct put_bytes *bytes,
                   char ret_id[OS_ID_TEXT], struct mir_error *err)
{
    described->args.properties = described->marks.rows;
    described->args.property_count = described->marks.count;
    int rc = put_send(put, &described->args, bytes, ret_id, err);
    put_bytes_clear(bytes);
    return rc;
}

/* --- a kernel that the cloud loads --- */

static int put_kernel(struct put *put, char ret_id[OS_ID_TEXT], struct mir_error *err)
{
    struct described described;
    struct put_bytes bytes;
    char disk[STACK_NAME_TEXT];
    snprintf(disk, sizeof disk, "kernel-%s", put->spec->kernel->sha256);
    if (find(put, disk, ret_id, err))
        return -1;
    if (*ret_id)
        return 0;
    describe(put, disk, "aki", "aki", &described);
    return put_bytes_file(&bytes, put->spec->kernel_path, err) ||
                   send_it(put, &described, &bytes, ret_id, err)
               ? -1
               : 0;
}

/* Equal for equal kernels, arguments and hardware. */
static void name_root(const struct put *put, const char *kernel_id, char out[STACK_NAME_TEXT])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;
    mir_auto_free char *words = mir_format("%s\n%d %d\n%s", kernel_id, (int)put->needs.disk_bus,
                                           (int)put->needs.nic, put->spec->arguments);
    if (!EVP_Digest(words, strlen(words), digest, &len, EVP_sha256(), NULL))
        mir_memory_out();
    mir_hex(digest, len, hex);
    snprintf(out, STACK_NAME_TEXT, "root-%.64s", hex);
}

/* Nova wants a root image, and it is the one that names the kernel and its command line. Without a
 * line of ours the guest gets one for Linux. */
static int put_root(struct put *put, const char *kernel_id, char ret_id[OS_ID_TEXT],
                    struct mir_error *err)
{
    struct described described;
    struct put_bytes bytes;
    char disk[STACK_NAME_TEXT];
    name_root(put, kernel_id, disk);
    if (find(put, disk, ret_id, err))
        return -1;
    if (*ret_id)
        return 0;
    describe(put, disk, "raw", "bare", &described);
    add_hardware(&put->needs, &described.marks);
    stack_marks_add(&described.marks, "kernel_id", kernel_id);
    stack_marks_add(&described.marks, "os_command_line",
                    *put->spec->arguments ? put->spec->arguments : " ");
    put_bytes_zeros(&bytes, ROOT_BYTES);
    return send_it(put, &described, &bytes, ret_id, err);
}

static int put_direct(struct put *put, char ret_id[OS_ID_TEXT], struct mir_error *err)
{
    char kernel_id[OS_ID_TEXT];
    return put_kernel(put, kernel_id, err) || put_root(put, kernel_id, ret_id, err) ? -1 : 0;
}

/* --- a disk --- */

static const char *format_of(const struct put *put)
{
    const char *vendor = put->site->described.image_format;
    const char *asked = *put->stack->image_format ? put->stack->image_format : vendor;
    return asked && !strcmp(asked, "raw") ? "raw" : "qcow2";
}

static int put_disk(struct put *put, char ret_id[OS_ID_TEXT], struct mir_error *err)
{
    struct described described;
    struct put_bytes bytes;
    char digest[MIR_SHA256_TEXT], disk[STACK_NAME_TEXT];
    const char *format = format_of(put);
    if (!put->stack->imager)
        return mir_fail(err, MIR_INTERNAL, "there is nobody who makes images here");
    mir_disk_name(put->spec, &put->needs, digest);
    snprintf(disk, sizeof disk, "%s-%d-%d-%s", format, (int)put->needs.disk_bus,
             (int)put->needs.firmware, digest);
    if (find(put, disk, ret_id, err))
        return -1;
    if (*ret_id)
        return 0;
    describe(put, disk, format, "bare", &described);
    add_hardware(&put->needs, &described.marks);
    return put_bytes_disk(&bytes, put, format, err) || send_it(put, &described, &bytes, ret_id, err)
               ? -1
               : 0;
}

/* --- all of it --- */

/* The cloud takes no kernels as images, and a boot loader would start it: so be it. */
static bool disk_instead(const struct put *put, const struct mir_error *said)
{
    const struct mir_family *row =
        mir_kernel_family(put->spec->kernel, "openstack", stack_family(put->spec->kernel));
    return put->stack->boot == STACK_BOOT_AUTO && said->http_status == 400 &&
           said->outcome == MIR_DID_NOT_HAPPEN && stack_has_disk(row);
}

static int put_either(struct put *put, char ret_id[OS_ID_TEXT], struct mir_error *err)
{
    struct mir_error said = {0};
    if (!put->needs.direct_kernel)
        return put_disk(put, ret_id, err);
    if (!put_direct(put, ret_id, &said))
        return 0;
    if (!disk_instead(put, &said))
        return stack_said(&said, err);
    put->needs =
        mir_kernel_family(put->spec->kernel, "openstack", stack_family(put->spec->kernel))->needs;
    return put_disk(put, ret_id, err);
}

/* What is proven on this machine is a disk: then a disk is what goes there, too. */
static void prefer_proven(struct put *put)
{
    const struct mir_family *row =
        mir_kernel_family(put->spec->kernel, "openstack", stack_family(put->spec->kernel));
    if (put->spec->prover && put->needs.direct_kernel && stack_has_disk(row))
        put->needs = row->needs;
}

int stack_image_put(void *ctx, const struct mir_instance_spec *spec, char ret_id[MIR_INSTANCE_ID],
                    struct mir_error *err)
{
    struct put put = {.stack = ctx, .spec = spec};
    char id[OS_ID_TEXT];
    struct mir_error own = {0};
    if (!err)
        err = &own;
    if (stack_needs(put.stack, spec->kernel, &put.needs, err) ||
        stack_site(put.stack, spec->place.cloud, spec->place.region, &put.site, err) ||
        stack_intend(put.stack, spec->tags.deployment, put.site, err))
        return -1;
    prefer_proven(&put);
    put.until_ms = os_until(put.site->session,
                            mir_prov_create_limit_ms(spec->lease, put.stack->clock, PUT_MS));
    int rc = stack_images_find(put.stack, put.site, put.until_ms, &put.found, err) ||
                     put_either(&put, id, err)
                 ? -1
                 : 0;
    os_images_clear(&put.found);
    /* Whatever was refused last, something may be there, and is found by its token. */
    if (rc && put.began && err->outcome == MIR_DID_NOT_HAPPEN)
        err->outcome = MIR_OUTCOME_UNKNOWN;
    if (!rc)
        mir_copy(ret_id, MIR_INSTANCE_ID, id);
    return rc;
}
