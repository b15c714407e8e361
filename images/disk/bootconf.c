/* SPDX-License-Identifier: ISC */
#include "bootconf.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Linux under GRUB is told its file's name in front of its arguments. */
#define BOOT_IMAGE "BOOT_IMAGE=/boot/" IMG_KERNEL_FILE " "

/* How GRUB loads a kernel, by the way in that the kernel has; the first that fits counts. The
 * second multiboot comes first because its loader works alike on BIOS and UEFI. A module is
 * the user's, and arrives as it is, packed or not. */
static const struct loader {
    uint32_t way; /* enum mir_boot_way bit */
    const char *kernel, *module;
    bool named;        /* the loader passes no name, and the kernel skips a first word */
    bool module_words; /* a module has arguments of its own */
    size_t line_max;   /* of the kernel's arguments, so that none are cut off */
} loaders[] = {
    {MIR_BOOT_MULTIBOOT2, "multiboot2", "module2 --nounzip", false, true, IMG_ARGUMENTS_MAX},
    {MIR_BOOT_MULTIBOOT1, "multiboot", "module --nounzip", true, true, IMG_ARGUMENTS_MAX},
    /* Which of GRUB's two loaders, the core sets (images/grub/early-*.cfg): on a BIOS the one that
     * enters in real mode, as some kernels have no other entry. The limit is Linux' own buffer. */
    {MIR_BOOT_LINUX, "$linux", "$initrd", false, false, 2047 - (sizeof BOOT_IMAGE - 1)},
};

/* These have a multiboot header, or none, but are started by something else. */
static const struct {
    enum mir_format format;
    const char *fix;
} foreign[] = {
    {MIR_FORMAT_SOLO5_XEN, "it is for Xen (PVH); build it for virtio"},
    {MIR_FORMAT_SOLO5_HVT, "it is for the tender solo5-hvt; build it for virtio"},
    {MIR_FORMAT_SOLO5_SPT, "it is for the tender solo5-spt; build it for virtio"},
    {MIR_FORMAT_SOLO5_MUEN, "it is for the separation kernel Muen; build it for virtio"},
    {MIR_FORMAT_XEN_PV, "it is for Xen (PV): --boot pvgrub"},
    {MIR_FORMAT_XEN_PVH, "it is for Xen (PVH), which starts it without a disk"},
};

/* Of what has no format the inspection knows better what it is, and what to do. */
static int cannot_load(const struct mir_kernel *kernel, const char *fix, struct mir_error *err)
{
    bool known = kernel->format != MIR_FORMAT_UNKNOWN || !*kernel->description;
    mir_fail(err, MIR_USAGE, "the boot loader cannot load this kernel (%s)",
             known ? mir_format_name(kernel->format) : kernel->description);
    return mir_error_hint(err, "%s", known || !kernel->boots_count ? fix : kernel->boots[0].why);
}

static const struct loader *find_loader(const struct mir_kernel *kernel, struct mir_error *err)
{
    const char *fix = "it needs multiboot 1, multiboot 2 or the Linux boot protocol";
    uint32_t ways = kernel->boot_ways;
    for (size_t i = 0; i < MIR_NELEMS(foreign); i++)
        if (foreign[i].format == kernel->format) {
            fix = foreign[i].fix;
            /* Xen's own programs (its PV shim) are PVH and multiboot 2 at once. */
            ways &= kernel->format == MIR_FORMAT_XEN_PVH ? ~0u : 0;
        }
    for (size_t i = 0; i < MIR_NELEMS(loaders); i++)
        if (ways & loaders[i].way)
            return &loaders[i];
    cannot_load(kernel, fix, err);
    return NULL;
}

static int check_line(const char *line, size_t line_max, struct mir_error *err)
{
    size_t len = strlen(line);
    if (len > line_max) {
        mir_fail(err, MIR_USAGE, "arguments of %zu bytes", len);
        return mir_error_hint(err, "at most %zu pass this boot loader", line_max);
    }
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) {
            mir_fail(err, MIR_USAGE, "byte %zu of the arguments is a control character", i + 1);
            return mir_error_hint(err, "write them as one line of text");
        }
    return 0;
}

static int refuse(const char *line, const char *at, struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "the boot loader would change the arguments from byte %zu on: %.40s",
             (size_t)(at - line) + 1, at);
    return mir_error_hint(err,
                          "GRUB puts \\ before each of \\ \" ' and quotes a word that has a "
                          "space; write it in another way that the kernel knows (hello: %%22)");
}

/* One character within single quotes, where GRUB's shell leaves everything else alone. */
static void add_quoted(struct mir_buf *out, char c)
{
    if (c == '\'')
        mir_buf_adds(out, "'\\''");
    else
        mir_buf_add(out, &c, 1);
}

static bool needs_backslash(char c)
{
    return c == '\\' || c == '"' || c == '\'';
}

/*
 * GRUB makes the kernel's line out of words: \ before each of \ " ', and " around a word that has a
 * space. So what arrives as this line is the words found by taking that back, and a line that does
 * not come out of any words cannot arrive. *at is moved behind the word.
 */
static int add_word(const char *line, const char **at, struct mir_buf *out, struct mir_error *err)
{
    const char *p = *at, *begin = p;
    bool quoted = *p == '"', space = false;
    mir_buf_adds(out, " '");
    for (p += quoted; *p && *p != (quoted ? '"' : ' '); p++) {
        if (*p == '\\' && needs_backslash(p[1]))
            p++;
        else if (needs_backslash(*p))
            return refuse(line, p, err);
        space = space || *p == ' ';
        add_quoted(out, *p);
    }
    if (quoted && (*p++ != '"' || !space || (*p && *p != ' ')))
        return refuse(line, begin, err);
    mir_buf_adds(out, "'");
    *at = p;
    return 0;
}

static int add_words(const char *line, struct mir_buf *out, struct mir_error *err)
{
    const char *at = line;
    if (!*at)
        return 0;
    if (add_word(line, &at, out, err))
        return -1;
    while (*at) {
        at++; /* the space between two */
        if (add_word(line, &at, out, err))
            return -1;
    }
    return 0;
}

int img_bootconf_words(const char *line, struct mir_buf *out, struct mir_error *err)
{
    line = line ? line : "";
    return check_line(line, IMG_ARGUMENTS_MAX, err) || add_words(line, out, err) ? -1 : 0;
}

static bool is_file_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    size_t len = strlen(name);
    return len && len <= 64 && *name != '.' && strspn(name, letters) == len;
}

/* Their names become files beside the kernel, on a file system that does not know case. */
static int check_modules(const struct img_recipe *recipe, const struct loader *loader,
                         struct mir_error *err)
{
    if (recipe->module_count > IMG_MODULES_MAX)
        return mir_fail(err, MIR_USAGE, "%u modules, at most %d", recipe->module_count,
                        IMG_MODULES_MAX);
    for (unsigned i = 0; i < recipe->module_count; i++) {
        const struct img_module *m = &recipe->modules[i];
        bool taken = !strcasecmp(m->name, IMG_KERNEL_FILE) || !strcasecmp(m->name, "grub");
        for (unsigned j = 0; j < i; j++)
            taken = taken || !strcasecmp(m->name, recipe->modules[j].name);
        if (taken || !is_file_name(m->name))
            return mir_fail(err, MIR_USAGE, "a module cannot be called \"%s\"", m->name);
        const char *words = m->arguments ? m->arguments : "";
        if (*words && !loader->module_words)
            return mir_fail(err, MIR_USAGE, "%s: an initramfs has no arguments", m->name);
        if (check_line(words, IMG_ARGUMENTS_MAX, err))
            return mir_error_wrap(err, "%s", m->name);
    }
    return 0;
}

/* Each step runs when the one before it has succeeded; returns how many there are. */
static int add_modules(const struct img_recipe *recipe, const struct loader *loader,
                       struct mir_buf *out, unsigned *ret_steps, struct mir_error *err)
{
    unsigned count = recipe->module_count;
    if (count && !loader->module_words) { /* one command for all of them */
        mir_buf_addf(out, "if %s", loader->module);
        for (unsigned i = 0; i < count; i++)
            mir_buf_addf(out, " '/boot/%s'", recipe->modules[i].name);
        mir_buf_adds(out, "; then\n");
        count = 1;
    } else {
        for (unsigned i = 0; i < count; i++) {
            const struct img_module *m = &recipe->modules[i];
            mir_buf_addf(out, "if %s '/boot/%s'", loader->module, m->name);
            if (m->arguments && add_words(m->arguments, out, err))
                return mir_error_wrap(err, "%s", m->name);
            mir_buf_adds(out, "; then\n");
        }
    }
    *ret_steps = count;
    return 0;
}

static int check_full(const struct mir_buf *out, struct mir_error *err)
{
    return out->full ? mir_fail(err, MIR_INTERNAL, "a boot configuration beyond its limit") : 0;
}

int img_bootconf_grub(const struct img_recipe *recipe, struct mir_buf *out, struct mir_error *err)
{
    const struct loader *loader = find_loader(recipe->kernel, err);
    const char *line = recipe->arguments ? recipe->arguments : "";
    unsigned steps = 0;
    if (!loader || check_line(line, loader->line_max, err) || check_modules(recipe, loader, err))
        return -1;
    mir_buf_addf(out, "if %s '/boot/%s'", loader->kernel, IMG_KERNEL_FILE);
    if (loader->named)
        mir_buf_addf(out, " '%s'", IMG_KERNEL_FILE);
    if (add_words(line, out, err))
        return -1;
    mir_buf_adds(out, "; then\n");
    if (add_modules(recipe, loader, out, &steps, err))
        return -1;
    mir_buf_adds(out, "boot\n");
    for (unsigned i = 0; i <= steps; i++)
        mir_buf_adds(out, "fi\n");
    mir_buf_adds(out, "echo 'mirage-deploy: the boot loader cannot start the kernel; powering off'"
                      "\nhalt\n");
    return check_full(out, err);
}

/*
 * GRUB legacy takes everything behind the command as it stands, but joins a line that ends in a
 * backslash with the next. Xen keeps 1023 bytes for a guest. `fallback`: when the kernel cannot be
 * loaded, the second entry switches off; without it a menu would wait for a key.
 */
int img_bootconf_legacy(const struct img_recipe *recipe, const char *device, struct mir_buf *out,
                        struct mir_error *err)
{
    const char *line = recipe->arguments ? recipe->arguments : "";
    size_t len = strlen(line);
    if (!(recipe->kernel->boot_ways & (MIR_BOOT_XEN_PV_NOTES | MIR_BOOT_XEN_PV_STRING)))
        return cannot_load(recipe->kernel, "PV-GRUB starts kernels for Xen PV only", err);
    if (recipe->module_count)
        return mir_fail(err, MIR_USAGE, "PV-GRUB passes no modules");
    if (check_line(line, 1023, err))
        return -1;
    if (len && (line[0] == ' ' || line[len - 1] == '\\')) {
        mir_fail(err, MIR_USAGE, "arguments that begin with a space or end with a backslash");
        return mir_error_hint(err, "PV-GRUB would change them");
    }
    mir_buf_addf(out, "default 0\ntimeout 0\nfallback 1\n\ntitle kernel\nroot %s\nkernel /boot/%s",
                 device, IMG_KERNEL_FILE);
    mir_buf_addf(out, "%s%s\n\ntitle power off\nhalt\n", len ? " " : "", line);
    return check_full(out, err);
}
