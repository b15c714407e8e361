/* SPDX-License-Identifier: ISC */
#include "memory.h"

#include <string.h>

/*
 * Measured in dom0 (Xen 4.17, Linux 6.1): xenstored, xenconsoled and xl while it makes a domain,
 * together, and what is left for the kernel to work with.
 */
#define XEN_PROGRAMS_MIB 24
#define TENDER_MIB 12

int64_t car_meminfo_mib(const char *text, size_t len, const char *key)
{
    const char *end = text + len;
    size_t key_len = strlen(key);

    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        const char *next = line_end != NULL ? line_end + 1 : end;
        int64_t kib = 0;

        if ((size_t)(next - text) > key_len && memcmp(text, key, key_len) == 0) {
            for (text += key_len; text < next && *text == ' '; text++)
                ;
            for (; text < next && *text >= '0' && *text <= '9' && kib < INT32_MAX; text++)
                kib = kib * 10 + (*text - '0');
            return kib / 1024;
        }
        text = next;
    }
    return -1;
}

int64_t car_memory_needed_mib(const struct car_conf *conf, uint64_t kernel_bytes)
{
    int64_t kernel_mib = (int64_t)(kernel_bytes >> 20) + 1;

    return conf->kind == CAR_SOLO5 ? conf->memory_mib + kernel_mib + TENDER_MIB
                                   : kernel_mib + XEN_PROGRAMS_MIB;
}
