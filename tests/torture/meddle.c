/* SPDX-License-Identifier: ISC */
#include "meddle.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct meddle_page *meddle_page;
char meddle_role[16];
uint32_t meddle_start_number;

/* Handed on to the programs of ours that this one starts, and to no other. */
static const char *const kept_names[] = {"LD_PRELOAD", "MIRAGE_TORTURE_PAGE", "MIRAGE_TORTURE_PLAN",
                                         "MIRAGE_TORTURE_START"};
#define KEPT (sizeof kept_names / sizeof *kept_names)
static char kept[KEPT][512];

static void find_role(void)
{
    char path[512];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n < 0 ? 0 : n] = '\0';
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    if (strncmp(name, "mirage-", 7) != 0)
        return;
    snprintf(meddle_role, sizeof meddle_role, "%.15s",
             strcmp(name, "mirage-deployd") ? name + 7 : "daemon");
}

__attribute__((constructor)) static void meddle_start(void)
{
    const char *path = getenv("MIRAGE_TORTURE_PAGE");
    find_role();
    if (!path || !*meddle_role)
        return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *page = fd < 0
                     ? MAP_FAILED
                     : mmap(NULL, sizeof *meddle_page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (page == MAP_FAILED)
        return;
    for (size_t i = 0; i < KEPT; i++) {
        const char *value = getenv(kept_names[i]);
        if (value)
            snprintf(kept[i], sizeof kept[i], "%s=%s", kept_names[i], value);
        unsetenv(kept_names[i]);
    }
    const char *plan = strchr(kept[2], '='), *start = strchr(kept[3], '=');
    if (start)
        meddle_start_number = (uint32_t)strtoul(start + 1, NULL, 10);
    if (plan)
        meddle_plan(plan + 1);
    meddle_page = page;
}

char **meddle_environment(char *const *env)
{
    size_t count = 0;
    while (env && env[count])
        count++;
    char **words = calloc(count + KEPT + 1, sizeof *words);
    if (!words)
        abort();
    for (size_t i = 0; i < count; i++)
        words[i] = env[i];
    for (size_t i = 0; i < KEPT; i++)
        if (*kept[i])
            words[count++] = kept[i];
    return words;
}
