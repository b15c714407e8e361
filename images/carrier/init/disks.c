/* SPDX-License-Identifier: ISC */
#include "disks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XVD_FIRST 51712 /* major 202, minor 0 */
#define XVD_MINORS 16   /* of each: a disk and its partitions */

bool car_block_name(const char *name, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-/";

    for (size_t i = 0; i < len; i++) {
        if (name[i] == '\0' || strchr(letters, name[i]) == NULL)
            return false;
    }
    return len > 0 && len <= CAR_BLOCK_NAME_MAX;
}

static int unit_of_number(const char *digits)
{
    char *end;
    unsigned long number = strtoul(digits, &end, 10);
    unsigned long above = number - XVD_FIRST;

    if (*end != '\0' || number < XVD_FIRST || above % XVD_MINORS != 0 ||
        above / XVD_MINORS >= CAR_BLOCKS_MAX)
        return -1;
    return (int)(above / XVD_MINORS);
}

int car_block_unit_of(const char *name)
{
    if (name[0] >= '1' && name[0] <= '9')
        return unit_of_number(name);
    if (strncmp(name, "/dev/", strlen("/dev/")) == 0)
        name += strlen("/dev/");
    if (strncmp(name, "xvd", strlen("xvd")) != 0 || name[3] < 'a' ||
        name[3] >= 'a' + CAR_BLOCKS_MAX || name[4] != '\0')
        return -1;
    return name[3] - 'a';
}

bool car_block_same(const char *a, const char *b)
{
    int unit = car_block_unit_of(a);

    return strcmp(a, b) == 0 || (unit >= 0 && unit == car_block_unit_of(b));
}

static bool is_meant(const char *const names[], size_t n, int unit)
{
    for (size_t i = 0; i < n; i++) {
        if (car_block_unit_of(names[i]) == unit)
            return true;
    }
    return false;
}

size_t car_block_unit(const char *const names[], size_t n, size_t place)
{
    int unit = car_block_unit_of(names[place]);
    size_t before = 0;

    if (unit >= 0)
        return (size_t)unit;
    for (size_t i = 0; i < place; i++) {
        if (car_block_unit_of(names[i]) < 0)
            before++;
    }
    for (unit = 0; unit < CAR_BLOCKS_MAX; unit++) {
        if (!is_meant(names, n, unit) && before-- == 0)
            break;
    }
    return (size_t)unit;
}

unsigned car_block_number(size_t unit)
{
    return XVD_FIRST + XVD_MINORS * (unsigned)unit;
}

/* What stands behind KEY= on a line of its own; its length, or 0. */
static size_t value_of(const char *text, const char *key, const char **ret)
{
    size_t key_len = strlen(key);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (strncmp(line, key, key_len) == 0 && line[key_len] == '=') {
            *ret = line + key_len + 1;
            return strcspn(*ret, "\n");
        }
    }
    return 0;
}

int car_block_of_uevent(const char *text, char *ret_device, size_t cap)
{
    static const char head[] = CAR_BLOCK_PARTITION;
    const char *name;
    const char *device;
    size_t name_len = value_of(text, "PARTNAME", &name);
    size_t device_len = value_of(text, "DEVNAME", &device);
    char *end;
    long number;

    if (name_len <= strlen(head) || memcmp(name, head, strlen(head)) != 0 || device_len == 0)
        return -1;
    name += strlen(head);
    number = strtol(name, &end, 10);
    if (name[0] < '0' || name[0] > '9' || (*end != '\n' && *end != '\0') ||
        number >= CAR_BLOCKS_MAX)
        return -1;
    if (snprintf(ret_device, cap, "/dev/%.*s", (int)device_len, device) >= (int)cap)
        return -1;
    return (int)number;
}

bool car_block_missed(const char *line, char *ret)
{
    static const char before[] = "Block.connect ";
    static const char behind[] = ": could not find device";
    const char *name = strstr(line, before);
    const char *end = name != NULL ? strstr(name, behind) : NULL;

    if (end == NULL)
        return false;
    name += strlen(before);
    if (end < name || !car_block_name(name, (size_t)(end - name)))
        return false;
    memcpy(ret, name, (size_t)(end - name));
    ret[end - name] = '\0';
    return true;
}
