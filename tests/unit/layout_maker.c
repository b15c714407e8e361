/* SPDX-License-Identifier: ISC */
/*
 * layout-maker [-g GRUB-FOLDER] [-s BYTES] OUT BOOT KERNEL ARGUMENTS [MODULE ARGUMENTS]...: a raw
 * disk from a kernel file, for tests that boot it. A module's name is the file's. Prints what was
 * laid out; exits with 2 and the reason when it is refused.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/process.h"
#include "images/container.h"
#include "images/inspect.h"
#include "images/layout.h"

static struct img_module modules[IMG_MODULES_MAX + 1];

static int read_modules(struct img_recipe *recipe, int argc, char **argv, struct mir_error *err)
{
    recipe->modules = modules;
    for (; argc > 0 && recipe->module_count <= IMG_MODULES_MAX; argc -= 2, argv += 2) {
        struct img_module *m = &modules[recipe->module_count++];
        const char *slash = strrchr(argv[0], '/');
        char *bytes;
        size_t len;
        if (mir_file_read(argv[0], (size_t)64 << 20, &bytes, &len, err))
            return -1;
        *m = (struct img_module){.name = slash ? slash + 1 : argv[0],
                                 .bytes = (unsigned char *)bytes,
                                 .len = len,
                                 .arguments = argc > 1 ? argv[1] : NULL};
    }
    return 0;
}

static int write_out(const char *path, int kernel, const struct img_recipe *recipe,
                     const char *folder, struct mir_error *err)
{
    mir_auto_close int out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    mir_auto_grub struct img_grub grub = {0};
    mir_auto_disk struct img_disk disk = {0};
    struct img_input input;
    struct img_output output;
    if (out < 0)
        return mir_fail(err, MIR_FAILED, "cannot write %s", path);
    if (img_grub_open(folder, &grub, err) || img_layout(recipe, &grub, &disk, err))
        return -1;
    img_input_init(&input, kernel);
    img_output_init(&output, out);
    if (img_container_write(img_container_by_name("raw"), &disk, &input, &output, err))
        return -1;
    printf("%" PRIu64 " bytes, %" PRIu64 " written, %s\n", disk.size, img_disk_written(&disk),
           img_disk_is_sequential(&disk) ? "in order" : "not in order");
    return 0;
}

static int make(int argc, char **argv, struct img_recipe *recipe, const char *grub,
                struct mir_error *err)
{
    struct mir_kernel kernel;
    mir_auto_close int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
    mir_auto_free char *folder = grub ? NULL : mir_data_path("grub", NULL);
    int boot = img_boot_by_name(argv[1]);
    if (fd < 0 || boot < 0)
        return mir_fail(err, MIR_USAGE, "no such kernel or layout");
    if (krn_inspect_fd(fd, krn_limits_default(), &kernel, err))
        return -1;
    recipe->kernel = &kernel;
    recipe->boot = (enum img_boot)boot;
    recipe->arguments = argv[3];
    if (read_modules(recipe, argc - 4, argv + 4, err))
        return -1;
    return write_out(argv[0], fd, recipe, grub ? grub : folder ? folder : ".", err);
}

int main(int argc, char **argv)
{
    struct mir_error err = {0};
    struct img_recipe recipe = {0};
    const char *grub = NULL;
    int option;
    while ((option = getopt(argc, argv, "+g:s:")) != -1) {
        if (option == 'g')
            grub = optarg;
        else if (option == 's')
            recipe.disk_bytes = strtoull(optarg, NULL, 10);
        else
            return 2;
    }
    int failed = argc - optind < 4 || make(argc - optind, argv + optind, &recipe, grub, &err);
    for (unsigned i = 0; i < recipe.module_count; i++)
        free((void *)(uintptr_t)modules[i].bytes);
    if (!failed)
        return 0;
    fprintf(stderr, "%s: %s (%s)\n", mir_kind_info(err.kind)->name, err.text, err.hint);
    return 2;
}
