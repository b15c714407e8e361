/* SPDX-License-Identifier: ISC */
#include "prove.h"

#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "client.h"
#include "deploy.h"
#include "images/digest.h"
#include "interrupt.h"
#include "print.h"

/* What has no way to be booted here, by a property of the image. */
static const struct {
    const char *boot, *format; /* NULL: any */
    const char *why, *fix;
} never[] = {
    {"pvgrub", NULL, "it starts by PV-GRUB, which is a part of Xen, and QEMU has none",
     "leave --prove away, or prove a disk of a kernel that boots by itself: --boot both"},
    {"pvgrub-bare", NULL, "it starts by PV-GRUB, which is a part of Xen, and QEMU has none",
     "leave --prove away, or prove a disk of a kernel that boots by itself: --boot both"},
    {NULL, "extents", "a list of extents is no disk that QEMU reads",
     "prove the same disk as raw: --format raw"},
};

static int refuse(const struct cmd_proof *proof, struct mir_error *err)
{
    const struct img_summary *image = proof->image;
    for (size_t i = 0; i < MIR_NELEMS(never); i++) {
        if ((never[i].boot && strcmp(never[i].boot, image->boot) != 0) ||
            (never[i].format && strcmp(never[i].format, image->format) != 0))
            continue;
        mir_fail(err, MIR_POLICY, "nothing was proven: %s", never[i].why);
        return mir_error_hint(err, "%s", never[i].fix);
    }
    enum mir_arch arch = proof->kernel->arch;
    if (arch == MIR_ARCH_X86_64 || arch == MIR_ARCH_I386 || arch == MIR_ARCH_UNKNOWN)
        return 0;
    mir_fail(err, MIR_POLICY,
             "nothing was proven: the kernel is built for %s, and only x86 runs here",
             mir_arch_name(arch));
    return mir_error_hint(err, "leave --prove away");
}

/* The firmware that the layout is for, in the words of --boot; of what was a disk already, what is
 * found in it. */
static unsigned firmwares(const struct img_summary *image, const struct mir_kernel *stored,
                          enum mir_firmware ret[2])
{
    bool both = !strcmp(image->boot, "both");
    bool bios = both || !strcmp(image->boot, "bios"), uefi = both || !strcmp(image->boot, "uefi");
    unsigned count = 0;
    if (!bios && !uefi) {
        uefi = (stored->boot_ways & MIR_BOOT_EFI_DISK) != 0;
        bios = !uefi || (stored->boot_ways & MIR_BOOT_BIOS_DISK) != 0;
    }
    if (bios)
        ret[count++] = MIR_FIRMWARE_BIOS;
    if (uefi)
        ret[count++] = MIR_FIRMWARE_UEFI;
    return count;
}

static int stored_kernel(struct cmd_context *ctx, const char *sha256, struct mir_kernel *ret,
                         struct mir_error *err)
{
    mir_auto_free char *target = cmd_target("kernels", sha256, NULL);
    json_t *document = NULL;
    if (cmd_call(ctx, "GET", target, NULL, &document, err))
        return -1;
    int rc = mir_kernel_from_json(document, ret, err);
    json_decref(document);
    return rc;
}

/* The copy that was sent for the proof goes again; one that somebody else deploys stays. */
static void forget(struct cmd_context *ctx, const char *sha256)
{
    mir_auto_free char *target = cmd_target("kernels", sha256, NULL);
    struct mir_error err = {0};
    if (cmd_call(ctx, "DELETE", target, NULL, NULL, &err) && err.kind != MIR_NOT_FOUND &&
        err.kind != MIR_CONFLICT)
        cmd_say(ctx,
                "a copy of the image stays with the daemon: %s; remove it with: mirage-deploy "
                "api DELETE %s",
                err.text, target);
}

static int boot_all(struct cmd_context *ctx, const struct cmd_proof *proof, const char *sha256,
                    json_t *list, struct mir_error *err)
{
    enum mir_firmware wanted[2];
    struct mir_kernel stored;
    if (stored_kernel(ctx, sha256, &stored, err))
        return -1;
    unsigned count = firmwares(proof->image, &stored, wanted);
    int rc = 0;
    for (unsigned i = 0; !rc && i < count; i++) {
        const struct mir_proof_target *target =
            mir_proof_target_find(MIR_PROOF_ANYWHERE, wanted[i]);
        struct cmd_proof_boot boot = {
            .proof = proof, .sha256 = sha256, .machine = mir_proof_machine(target, proof->kernel)};
        json_t *one = NULL;
        rc = cmd_prove_boot(ctx, &boot, &one, err);
        if (one)
            json_array_append_new(list, one);
    }
    return rc;
}

int cmd_prove(struct cmd_context *ctx, const struct cmd_proof *proof, json_t **ret,
              struct mir_error *err)
{
    struct cmd_request upload = {.path = proof->name, .fd = proof->fd};
    if (refuse(proof, err) || img_digest_fd(proof->fd, proof->name, upload.sha256, err))
        return -1;
    cmd_interrupt_says("no image was made; a copy that was being sent to be proven may stay with "
                       "the daemon: mirage-deploy api DELETE /v1/kernels/%s",
                       upload.sha256);
    cmd_interrupt_defer(true);
    if (cmd_request_upload(ctx, &upload, err))
        return -1;
    json_t *list = json_array();
    int rc = boot_all(ctx, proof, upload.sha256, list, err);
    if (upload.sent)
        forget(ctx, upload.sha256);
    cmd_interrupt_says("no image was made");
    if (json_array_size(list))
        *ret = json_incref(list);
    json_decref(list);
    return rc;
}
