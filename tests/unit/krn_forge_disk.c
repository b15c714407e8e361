/* SPDX-License-Identifier: ISC */
#include "krn_forge_disk.h"

#include <stdio.h>
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

static void vmdk_head(unsigned char *p, uint32_t flags, uint64_t directory, const char *type)
{
    blank(p);
    memcpy(p, "KDMV", 4);
    put32(p + 4, flags >> 16 ? 3 : 1);
    put32(p + 8, flags);
    put64(p + 12, (8 << 20) / 512);
    put64(p + 20, 128);
    put64(p + 28, FORGE_VMDK_TEXT / 512);
    put64(p + 36, 20);
    put32(p + 44, 512);
    put64(p + 56, directory);
    put64(p + 64, FORGE_VMDK_GRAIN / 512);
    memcpy(p + 73, "\n \r\n", 4);
    put16(p + 77, flags >> 16 ? 1 : 0);
    snprintf((char *)p + FORGE_VMDK_TEXT, 1024,
             "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
             "createType=\"%s\"\nRW 16384 SPARSE \"a.vmdk\"\n",
             type);
}

void forge_vmdk(unsigned char *p)
{
    vmdk_head(p, 1, 0x6000 / 512, "monolithicSparse");
    put32(p + 0x6000, 0x7000 / 512);
    put32(p + 0x7000, FORGE_VMDK_GRAIN / 512);
    forge_boot_sector(p + FORGE_VMDK_GRAIN);
}

void forge_vmdk_packed(unsigned char *p)
{
    unsigned char grain[65536] = {0};
    uLongf len = 4096;
    vmdk_head(p, 0x30001, UINT64_MAX, "streamOptimized");
    forge_boot_sector(grain);
    compress2(p + FORGE_VMDK_GRAIN + 12, &len, grain, sizeof grain, 1);
    put32(p + FORGE_VMDK_GRAIN + 8, (uint32_t)len);
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
