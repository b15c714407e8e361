/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "api/memory.h"
#include "images/carrier_conf.h"

static const char *const wishes[] = {[IMG_CARRIER_AUTOMATIC] = "auto",
                                     [IMG_CARRIER_NEVER] = "never",
                                     [IMG_CARRIER_ALWAYS] = "always"};

const char *img_carrier_wish_name(enum img_carrier_wish wish)
{
    return (unsigned)wish < MIR_NELEMS(wishes) ? wishes[wish] : "unknown";
}

int img_carrier_wish_by_name(const char *name)
{
    for (size_t i = 0; i < MIR_NELEMS(wishes); i++)
        if (!strcmp(wishes[i], name))
            return (int)i;
    return -1;
}

enum mir_carrier img_carrier_shape(const struct mir_kernel *kernel, const char *provider,
                                   const char *family)
{
    const struct mir_boots *boots = mir_kernel_boots(kernel, provider);
    for (unsigned i = 0; boots && i < kernel->family_count; i++) {
        const struct mir_family *row = &kernel->families[i];
        if (&kernel->boots[row->boots] == boots && row->carrier != MIR_CARRIER_NONE &&
            (!*family || !strcmp(row->family, family)))
            return row->carrier;
    }
    return MIR_CARRIER_NONE;
}

/* All carriers are for x86. */
static bool may_carry(const struct mir_family *family, enum img_carrier_wish wish)
{
    return family->carrier != MIR_CARRIER_NONE &&
           (family->verdict == MIR_VERDICT_CARRIER || wish == IMG_CARRIER_ALWAYS);
}

bool img_carrier_view(const struct mir_kernel *kernel, const char *provider,
                      enum img_carrier_wish wish, struct mir_kernel *ret)
{
    const struct mir_boots *boots = mir_kernel_boots(kernel, provider);
    if (!boots || wish == IMG_CARRIER_NEVER ||
        (wish == IMG_CARRIER_AUTOMATIC && boots->verdict != MIR_VERDICT_CARRIER))
        return false;
    bool any = false, local = !strcmp(provider, "local");
    struct mir_kernel view = *kernel;
    for (unsigned i = 0; i < view.family_count; i++) {
        struct mir_family *family = &view.families[i];
        bool here = &kernel->boots[family->boots] == boots && may_carry(family, wish);
        any = any || here;
        family->verdict = here ? MIR_VERDICT_BOOTS : MIR_VERDICT_CANNOT;
    }
    struct mir_boots *row = &view.boots[boots - kernel->boots];
    row->verdict = any ? MIR_VERDICT_BOOTS : MIR_VERDICT_CANNOT;
    mir_copy(row->how, sizeof row->how, local ? "qemu-disk" : "disk");
    view.format = MIR_FORMAT_DISK_RAW;
    view.container = MIR_CONTAINER_NONE;
    view.arch = MIR_ARCH_X86_64;
    view.boot_ways = MIR_BOOT_BIOS_DISK | MIR_BOOT_EFI_DISK;
    /* Here a keeper holds the deadline, which can be moved. */
    view.takes_part = MIR_PART_POWEROFF | (local ? 0 : MIR_PART_DEADLINE);
    view.device_count = 0;
    view.solo5_abi_version = 0;
    *ret = view;
    return any;
}
