/* SPDX-License-Identifier: ISC */
#include "shape.h"

#include <string.h>

#define WITH_LINUX (IMG_IN_XEN | IMG_IN_LINUX)

/* A version ends in a digit before -amd64: flavours (cloud, rt, ...) do not. */
const struct img_root img_roots[] = {
    {IMG_IN_XEN, "linux-image-amd64", "linux-image-[0-9]*[0-9]-amd64", false, false},
    {IMG_IN_LINUX, "linux-image-cloud-amd64", "linux-image-[0-9]*-cloud-amd64", false, false},
    {IMG_IN_XEN, "xen-system-amd64", "xen-hypervisor-[0-9]*-amd64", false, false},
    {IMG_IN_XEN, "xen-system-amd64", "xen-utils-[0-9]*", true, false},
    {IMG_IN_SHIM, "xen-system-amd64", "xen-utils-[0-9]*", false, false},
    {IMG_IN_LINUX, NULL, "libc6", true, true},
    {IMG_IN_LINUX, NULL, "libseccomp2", true, true},
};
const size_t img_roots_n = MIR_NELEMS(img_roots);

const struct img_placed img_placed[] = {
    {IMG_IN_XEN, "usr/lib/xen-*/bin/xl", "bin/xl"},
    {IMG_IN_XEN, "usr/lib/xen-*/bin/xenstored", "bin/xenstored"},
    {IMG_IN_XEN, "usr/lib/xen-*/bin/xenconsoled", "bin/xenconsoled"},
};
const size_t img_placed_n = MIR_NELEMS(img_placed);

const struct img_output img_outputs[] = {
    {IMG_IN_XEN, "boot/xen-*-amd64.gz", "xen.gz", IMG_AS_IT_IS, NULL},
    {IMG_IN_XEN, "boot/vmlinuz-*", "linux", IMG_FOR_XEN, "boot/config-*"},
    {IMG_IN_LINUX, "boot/vmlinuz-*", "linux", IMG_AS_IT_IS, NULL},
    /* As it is: Xen's loader takes its symbols for part of it, and refuses it without them. */
    {IMG_IN_SHIM, "usr/lib/xen-*/boot/xen-shim", "xen-shim.xz", IMG_XZ, NULL},
};
const size_t img_outputs_n = MIR_NELEMS(img_outputs);

/* The first process makes and mounts the rest. Linux opens /dev/console before it starts it. */
const struct img_fixed img_fixed[] = {
    {WITH_LINUX, IMG_ENTRY_FOLDER, 0755, "dev", NULL},
    {WITH_LINUX, IMG_ENTRY_CONSOLE, 0600, "dev/console", NULL},
    {WITH_LINUX, IMG_ENTRY_FOLDER, 0555, "proc", NULL},
    {WITH_LINUX, IMG_ENTRY_FOLDER, 0755, "run", NULL},
    {WITH_LINUX, IMG_ENTRY_FOLDER, 0555, "sys", NULL},
    {WITH_LINUX, IMG_ENTRY_FOLDER, 01777, "tmp", NULL},
    {WITH_LINUX, IMG_ENTRY_FOLDER, 0755, "var", NULL},
    /* What xl reads, and what it starts per device. */
    {IMG_IN_XEN, IMG_ENTRY_FILE, 0644, "etc/xen/xl.conf", NULL},
    {IMG_IN_XEN, IMG_ENTRY_LINK, 0777, "etc/xen/vif", "/init"},
    {IMG_IN_XEN, IMG_ENTRY_LINK, 0777, "etc/xen/block", "/init"},
};
const size_t img_fixed_n = MIR_NELEMS(img_fixed);

/* pthread_cancel() of the C library; without it xl aborts. */
const struct img_opened img_opened[] = {{IMG_IN_XEN, "libgcc_s.so.1"}};
const size_t img_opened_n = MIR_NELEMS(img_opened);

enum mir_carrier img_carrier_by_name(const char *name)
{
    static const enum mir_carrier all[] = {MIR_CARRIER_LINUX, MIR_CARRIER_XEN, MIR_CARRIER_SHIM};
    for (size_t i = 0; i < MIR_NELEMS(all); i++)
        if (!strcmp(mir_carrier_name(all[i]), name))
            return all[i];
    return MIR_CARRIER_NONE;
}

bool img_carrier_has_archive(enum mir_carrier carrier)
{
    return (IMG_IN(carrier) & WITH_LINUX) != 0;
}
