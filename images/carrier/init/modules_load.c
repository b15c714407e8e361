/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "modules.h"
#include "say.h"

#define PCI_FOLDER "/sys/bus/pci/devices"

static uint32_t read_number(int folder, const char *device, const char *file)
{
    char path[300];
    char text[16] = "";
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", device, file);
    fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    (void)!read(fd, text, sizeof(text) - 1);
    close(fd);
    return (uint32_t)strtoul(text, NULL, 16);
}

size_t car_pci_list(struct car_pci_id ret[CAR_PCI_MAX])
{
    DIR *folder = opendir(PCI_FOLDER);
    const struct dirent *entry;
    size_t n = 0;

    if (folder == NULL)
        return 0;
    while (n < CAR_PCI_MAX && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        ret[n].vendor = (uint16_t)read_number(dirfd(folder), entry->d_name, "vendor");
        ret[n].device = (uint16_t)read_number(dirfd(folder), entry->d_name, "device");
        ret[n].class = read_number(dirfd(folder), entry->d_name, "class");
        n++;
    }
    closedir(folder);
    return n;
}

static void load(const char *name)
{
    char path[80];
    int fd;

    (void)snprintf(path, sizeof(path), "/k/%s.ko", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        car_say("module %s: %s", name, strerror(errno));
        return;
    }
    if (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST)
        car_say("module %s: %s", name, strerror(errno));
    close(fd);
}

void car_modules_load(const struct car_module_facts *facts, enum car_module_turn turn)
{
    for (size_t i = 0; i < car_modules_n; i++) {
        const struct car_module_row *row = &car_modules[i];

        if (!car_module_wanted(row, facts, turn))
            continue;
        for (size_t j = 0; j < CAR_MODULES_IN_ROW && row->modules[j] != NULL; j++)
            load(row->modules[j]);
    }
}
