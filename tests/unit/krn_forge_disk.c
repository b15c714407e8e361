/* SPDX-License-Identifier: ISC */
#include "krn_forge_disk.h"

#include <string.h>

#include <zlib.h>

#include "krn_forge.h"

static void blank(unsigned char *p)
{
    memset(p, 0, FORGE_DISK_BYTES);
}

void forge_boot_sector(unsigned char *p)
{
    memcpy(p, "\xfa\xeb\xfe", 3);
    p[510] = 0x55;
    p[511] = 0xaa;
}

void forge_gpt(unsigned char *p, size_t sector)
{
    blank(p);
    unsigned char *header = p + sector;
    p[510] = 0x55; /* the protective MBR */
    p[511] = 0xaa;
    p[450] = 0xee;
    memcpy(header, "EFI PART", 8);
    put32(header + 12, 92);
    put64(header + 32, FORGE_DISK_BYTES / sector - 1);
    put32(header + 16, (uint32_t)crc32(0, header, 92));
}

void forge_qcow2(unsigned char *p, uint32_t version)
{
    blank(p);
    memcpy(p, "QFI\xfb", 4);
    put32be(p + 4, version);
    put32be(p + 20, 16);
    put64be(p + 24, (uint64_t)8 << 30);
    put32be(p + 36, 1);
    put64be(p + 40, FORGE_CLUSTER);
    put64be(p + FORGE_CLUSTER, 2 * FORGE_CLUSTER | 1ull << 63);
    put64be(p + (size_t)2 * FORGE_CLUSTER, 3 * FORGE_CLUSTER | 1ull << 63);
    forge_boot_sector(p + (size_t)3 * FORGE_CLUSTER);
}

void forge_vhd_footer(unsigned char *p, uint32_t type, uint64_t data_offset)
{
    memset(p, 0, 512);
    memcpy(p, "conectix", 8);
    put64be(p + 16, data_offset);
    put64be(p + 48, FORGE_DISK_BYTES - 512);
    put32be(p + 60, type);
    uint32_t sum = 0;
    for (unsigned i = 0; i < 512; i++)
        sum += p[i];
    put32be(p + 64, ~sum);
}

void forge_vhd_dynamic(unsigned char *p)
{
    blank(p);
    forge_vhd_footer(p, 3, 512);
    memcpy(p + 512, "cxsparse", 8);
    put64be(p + 512 + 16, 1536);
    put32be(p + 512 + 28, 4);
    put32be(p + 512 + 32, 2 << 20);
    put32be(p + 1536, 4);
    forge_boot_sector(p + 2048 + 512);
    forge_vhd_footer(p + FORGE_DISK_BYTES - 512, 3, 512);
}

void forge_linux(unsigned char *p, uint16_t version)
{
    blank(p);
    forge_boot_sector(p);
    p[0x1f1] = 1;
    put32(p + 0x1f4, 0x100);
    memcpy(p + 0x202, "HdrS", 4);
    put16(p + 0x206, version);
    put32(p + 0x214, 0x100000);
    put16(p + 0x236, version >= 0x20c);
    put64(p + 0x258, 0x1000000);
    put32(p + 0x260, 0x200000);
}

void forge_arm64(unsigned char *p)
{
    blank(p);
    memcpy(p + 0x38, "ARM\x64", 4);
    put64(p + 16, 0x200000);
}

void forge_pe(unsigned char *p, uint16_t machine, uint16_t subsystem, const char *const *sections,
              uint16_t count)
{
    blank(p);
    memcpy(p, "MZ", 2);
    put32(p + 0x3c, 0x80);
    unsigned char *pe = p + 0x80;
    memcpy(pe, "PE\0\0", 4);
    put16(pe + 4, machine);
    put16(pe + 6, count);
    put16(pe + 20, 240);
    put16(pe + 24, 0x20b);
    put16(pe + 24 + 68, subsystem);
    for (uint16_t i = 0; i < count; i++)
        memcpy(pe + 24 + 240 + (size_t)i * 40, sections[i], strnlen(sections[i], 8));
}
