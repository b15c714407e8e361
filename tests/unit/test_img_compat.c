/* SPDX-License-Identifier: ISC */
/* The compatibility table, row by row: each has to be the answer about at least one kernel of this
 * file's collection, which is made here and inspected like any other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>
#include <zlib.h>

#include "api/machine.h"
#include "elf.h"
#include "facts.h"
#include "images/compat.h"
#include "krn_forge.h"
#include "krn_forge_disk.h"

#define NET 2
#define BLOCK 1

static struct forge f;
static unsigned char disk[FORGE_DISK_BYTES];
static const unsigned char room[256]; /* for a multiboot header at 0x1020 */

/* --- the collection --- */

static void elf(bool is64)
{
    forge_elf(&f, is64, is64 ? KRN_EM_X86_64 : KRN_EM_386);
    forge_load(&f, 0x100000, room, sizeof room, 0x2000);
}

static void plain_elf(void)
{
    elf(true);
}

static void big_endian(void)
{
    elf(false);
    forge_finish(&f);
    f.data[5] = 2;
    f.data[18] = 0;
    f.data[19] = 8; /* MIPS */
}

static void riscv(void)
{
    forge_elf(&f, true, 243);
}

static void arm64_elf(void)
{
    forge_elf(&f, true, KRN_EM_AARCH64);
    forge_solo5(&f, 1, 2);
}

static void object(void)
{
    elf(true);
    f.type = KRN_ET_REL;
}

static void program(void)
{
    elf(true);
    forge_segment(&f, KRN_PT_INTERP, 0x1000, 16);
}

static void solo5(uint32_t target, const uint32_t *devices, uint32_t count)
{
    elf(true);
    forge_mb1(&f, 0x1020, 0x10003);
    forge_solo5(&f, target, 1);
    if (count)
        forge_manifest(&f, devices, count);
}

static void stub(void)
{
    elf(true);
    forge_manifest(&f, NULL, 0);
}

static void hvt(void)
{
    solo5(1, NULL, 0);
}

static void spt(void)
{
    solo5(2, NULL, 0);
}

static void virtio(void)
{
    static const uint32_t net[] = {NET};
    solo5(3, net, 1);
}

static void virtio_alone(void)
{
    solo5(3, NULL, 0);
}

static void virtio_two_nets(void)
{
    static const uint32_t nets[] = {NET, NET};
    solo5(3, nets, 2);
}

static void virtio_damaged(void)
{
    elf(true);
    forge_solo5(&f, 3, 1);
}

static void muen(void)
{
    solo5(4, NULL, 0);
}

static void genode(void)
{
    solo5(5, NULL, 0);
}

static void solo5_xen(void)
{
    solo5(6, NULL, 0);
    forge_note32(&f, "Xen", 18, 0x101000);
}

static void xen_pv(void)
{
    static const char text[] = "GUEST_OS=Mirage,XEN_VER=xen-3.0";
    elf(true);
    forge_section(&f, "__xen_guest", 1, text, sizeof text);
}

static void xen_pv_of_32_bits(void)
{
    static const char text[] = "GUEST_OS=Mirage,XEN_VER=xen-3.0";
    elf(false);
    forge_section(&f, "__xen_guest", 1, text, sizeof text);
}

static void xen_pv_multiboot(void)
{
    elf(false);
    forge_mb1(&f, 0x1020, 3);
    forge_note(&f, "Xen", 6, "Mini-OS", 8);
}

static void xen_pvh(void)
{
    elf(true);
    forge_note32(&f, "Xen", 18, 0x101000);
}

static void xen_pvh_and_pv(void)
{
    elf(true);
    forge_note(&f, "Xen", 6, "linux", 6);
    forge_note32(&f, "Xen", 18, 0x1000000);
}

static void xen_pvh_multiboot(void)
{
    elf(false);
    forge_mb1(&f, 0x1020, 3);
    forge_note32(&f, "Xen", 18, 0x101000);
}

static void multiboot(void)
{
    elf(false);
    forge_mb1(&f, 0x1020, 3);
}

static void multiboot_64(void)
{
    elf(true);
    forge_mb1(&f, 0x1020, 3);
}

static void multiboot2(void)
{
    elf(true);
    forge_mb2(&f, 0x1020);
}

static void unikraft(void)
{
    multiboot();
    forge_section(&f, ".uk_libinfo", 1, "x", 1);
}

static void blank_disk(void)
{
    memset(disk, 0, sizeof disk);
}

static void text_file(void)
{
    memset(disk, 'x', sizeof disk);
}

static void vdi(void)
{
    blank_disk();
    memcpy(disk + 0x40, "\x7f\x10\xda\xbe", 4);
}

static void efi_x86(void)
{
    forge_pe(disk, 0x8664, 10, NULL, 0);
}

static void efi_arm64(void)
{
    forge_pe(disk, 0xaa64, 10, NULL, 0);
}

static void windows_program(void)
{
    forge_pe(disk, 0x8664, 3, NULL, 0);
}

static void linux_x86(void)
{
    forge_linux(disk, 0x20c);
}

static void linux_arm64(void)
{
    forge_arm64(disk);
}

static void qcow2_backed(void)
{
    forge_qcow2(disk, 3);
    put64be(disk + 8, 200);
}

static void qcow2_encrypted(void)
{
    forge_qcow2(disk, 3);
    put32be(disk + 32, 2);
}

static void qcow2_empty(void)
{
    forge_qcow2(disk, 3);
    put64be(disk + (size_t)2 * FORGE_CLUSTER, 0);
}

static void qcow2_unseen(void)
{
    forge_qcow2(disk, 3);
    put64be(disk + (size_t)2 * FORGE_CLUSTER, 1ull << 62 | FORGE_CLUSTER);
}

static void vhd(void)
{
    forge_vhd_dynamic(disk);
}

static void vmdk(void)
{
    forge_vmdk(disk);
}

static void vmdk_packed(void)
{
    forge_vmdk_packed(disk);
}

static void bios_disk(void)
{
    blank_disk();
    forge_boot_sector(disk);
}

static void no_boot_code(void)
{
    blank_disk();
    disk[446] = 0x80;
    disk[510] = 0x55;
    disk[511] = 0xaa;
}

static void efi_disk(void)
{
    forge_gpt(disk, 512);
}

static void nanos(void)
{
    bios_disk();
    put32(disk + 446 + 8, 64);
    memcpy(disk + 64 * 512, "NVMTFS", 6);
}

static void osv(void)
{
    bios_disk();
    memcpy(disk + 0x1b8, "VSO\0\0", 6);
}

static size_t gzip(const void *from, size_t len, unsigned char *to, size_t room_bytes)
{
    z_stream z = {.avail_in = (unsigned)len, .next_out = to, .avail_out = (unsigned)room_bytes};
    unsigned char copy[256];
    assert_true(len <= sizeof copy);
    memcpy(copy, from, len);
    z.next_in = copy;
    assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t out = z.total_out;
    deflateEnd(&z);
    return out;
}

static void packed_twice(void)
{
    size_t once = gzip("a kernel", 8, disk, sizeof disk);
    f.len = gzip(disk, once, f.data, sizeof f.data);
}

/* What the file is made of. */
enum kind { ELF, DISK, BYTES };

static const struct {
    const char *name;
    void (*make)(void);
    enum kind kind;
    enum mir_format format;
} collection[] = {
    {"plain ELF", plain_elf, ELF, MIR_FORMAT_ELF},
    {"big-endian", big_endian, BYTES, MIR_FORMAT_ELF},
    {"riscv", riscv, ELF, MIR_FORMAT_ELF},
    {"arm64 hvt", arm64_elf, ELF, MIR_FORMAT_SOLO5_HVT},
    {"object", object, ELF, MIR_FORMAT_ELF},
    {"program", program, ELF, MIR_FORMAT_ELF},
    {"stub", stub, ELF, MIR_FORMAT_ELF},
    {"hvt", hvt, ELF, MIR_FORMAT_SOLO5_HVT},
    {"spt", spt, ELF, MIR_FORMAT_SOLO5_SPT},
    {"virtio", virtio, ELF, MIR_FORMAT_SOLO5_VIRTIO},
    {"virtio without devices", virtio_alone, ELF, MIR_FORMAT_SOLO5_VIRTIO},
    {"virtio, two networks", virtio_two_nets, ELF, MIR_FORMAT_SOLO5_VIRTIO},
    {"virtio without a header", virtio_damaged, ELF, MIR_FORMAT_SOLO5_VIRTIO},
    {"muen", muen, ELF, MIR_FORMAT_SOLO5_MUEN},
    {"genode", genode, ELF, MIR_FORMAT_ELF},
    {"solo5 xen", solo5_xen, ELF, MIR_FORMAT_SOLO5_XEN},
    {"xen pv", xen_pv, ELF, MIR_FORMAT_XEN_PV},
    {"xen pv of 32 bits", xen_pv_of_32_bits, ELF, MIR_FORMAT_XEN_PV},
    {"xen pv with multiboot", xen_pv_multiboot, ELF, MIR_FORMAT_XEN_PV},
    {"xen pvh", xen_pvh, ELF, MIR_FORMAT_XEN_PVH},
    {"xen pvh and pv", xen_pvh_and_pv, ELF, MIR_FORMAT_XEN_PVH},
    {"xen pvh with multiboot", xen_pvh_multiboot, ELF, MIR_FORMAT_XEN_PVH},
    {"multiboot", multiboot, ELF, MIR_FORMAT_MULTIBOOT1},
    {"multiboot, 64 bit", multiboot_64, ELF, MIR_FORMAT_MULTIBOOT1},
    {"multiboot 2", multiboot2, ELF, MIR_FORMAT_MULTIBOOT2},
    {"unikraft", unikraft, ELF, MIR_FORMAT_MULTIBOOT1},
    {"text", text_file, DISK, MIR_FORMAT_UNKNOWN},
    {"vdi", vdi, DISK, MIR_FORMAT_UNKNOWN},
    {"efi x86", efi_x86, DISK, MIR_FORMAT_UNKNOWN},
    {"efi arm64", efi_arm64, DISK, MIR_FORMAT_UNKNOWN},
    {"windows program", windows_program, DISK, MIR_FORMAT_UNKNOWN},
    {"linux x86", linux_x86, DISK, MIR_FORMAT_LINUX},
    {"linux arm64", linux_arm64, DISK, MIR_FORMAT_LINUX},
    {"qcow2 with a backing file", qcow2_backed, DISK, MIR_FORMAT_DISK_QCOW2},
    {"qcow2, encrypted", qcow2_encrypted, DISK, MIR_FORMAT_DISK_QCOW2},
    {"qcow2, empty", qcow2_empty, DISK, MIR_FORMAT_DISK_QCOW2},
    {"qcow2, compressed", qcow2_unseen, DISK, MIR_FORMAT_DISK_QCOW2},
    {"vhd", vhd, DISK, MIR_FORMAT_DISK_VHD},
    {"vmdk", vmdk, DISK, MIR_FORMAT_DISK_VMDK},
    {"vmdk, stream-optimised", vmdk_packed, DISK, MIR_FORMAT_DISK_VMDK},
    {"bios disk", bios_disk, DISK, MIR_FORMAT_DISK_RAW},
    {"disk without boot code", no_boot_code, DISK, MIR_FORMAT_DISK_RAW},
    {"efi disk", efi_disk, DISK, MIR_FORMAT_DISK_RAW},
    {"nanos", nanos, DISK, MIR_FORMAT_DISK_RAW},
    {"osv", osv, DISK, MIR_FORMAT_DISK_RAW},
    {"packed twice", packed_twice, BYTES, MIR_FORMAT_UNKNOWN},
};

static struct mir_kernel inspect_bytes(const char *name, const void *bytes, size_t len)
{
    struct mir_kernel k;
    struct mir_error err = {0};
    if (krn_inspect_memory(bytes, len, krn_limits_default(), &k, &err))
        fail_msg("%s: %s", name, err.text);
    return k;
}

static struct mir_kernel make(size_t i)
{
    collection[i].make();
    if (collection[i].kind == ELF)
        forge_finish(&f);
    struct mir_kernel k = collection[i].kind == DISK
                              ? inspect_bytes(collection[i].name, disk, sizeof disk)
                              : inspect_bytes(collection[i].name, f.data, f.len);
    if (k.format != collection[i].format)
        fail_msg("%s is %s", collection[i].name, k.description);
    return k;
}

/* --- each row is the answer about some kernel --- */

#define RULES_MAX 256

/* The rule that a family's row was made from: texts are unique within a family (test_texts). */
static void mark(const struct mir_kernel *k, uint32_t *reached)
{
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    for (unsigned id = 0; id < k->family_count; id++)
        for (size_t i = 0; i < count; i++)
            if ((rules[i].families & (1u << id)) && !strcmp(rules[i].why, k->families[id].why))
                reached[i] |= 1u << id;
}

/* A row that is the answer nowhere in this collection is wrong, or has no test kernel yet; and it
 * has to be the answer for each of its families, unless a row before it is about all that remains
 * (then it says too much). */
static void test_every_row_is_reached(void **state)
{
    static uint32_t reached[RULES_MAX];
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    assert_true(count <= RULES_MAX);
    for (size_t i = 0; i < MIR_NELEMS(collection); i++) {
        struct mir_kernel k = make(i);
        mark(&k, reached);
    }
    for (size_t i = 0; i < count; i++)
        for (unsigned id = 0; id < KRN_FAMILY_COUNT; id++)
            if ((rules[i].families & ~reached[i]) & (1u << id))
                print_error("row %zu is never the answer on %s: %s\n", i,
                            krn_family((enum krn_family_id)id)->name, rules[i].why);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(rules[i].families & ~reached[i], 0);
}

/* --- the table by itself --- */

static void test_texts(void **state)
{
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    for (size_t i = 0; i < count; i++) {
        const struct krn_rule *rule = &rules[i];
        struct mir_boots row;
        assert_true(strlen(rule->why) < sizeof row.why);
        assert_true(strlen(rule->how) < sizeof row.how);
        assert_int_equal(rule->why[strlen(rule->why) - 1], '.');
        assert_true(rule->families && rule->families < 1u << KRN_FAMILY_COUNT);
        for (size_t j = 0; j < i; j++)
            if ((rule->families & rules[j].families) && !strcmp(rule->why, rules[j].why))
                fail_msg("two rows of one family say: %s", rule->why);
    }
}

/* What a row says of the way fits its verdict. */
static void test_ways(void **state)
{
    uint32_t local = 1u << KRN_QEMU_PC | 1u << KRN_QEMU_Q35 | 1u << KRN_TENDER;
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    for (size_t i = 0; i < count; i++) {
        const struct krn_rule *rule = &rules[i];
        bool carried = rule->verdict == MIR_VERDICT_CARRIER;
        bool good = carried || rule->verdict == MIR_VERDICT_BOOTS ||
                    rule->verdict == MIR_VERDICT_NO_NETWORK;
        assert_int_equal(carried, rule->way == KRN_WAY_CARRIED);
        if (good)
            assert_true(*rule->how);
        if (carried)
            assert_int_not_equal(rule->carrier, MIR_CARRIER_NONE);
        else if (rule->carrier != MIR_CARRIER_NONE) /* one that could, on other machines */
            assert_int_equal(rule->verdict, MIR_VERDICT_CANNOT);
        if (rule->verdict == MIR_VERDICT_CANNOT && (rule->families & ~local))
            assert_string_equal(rule->how, ""); /* trying costs nothing on this machine alone */
        if (rule->way != KRN_WAY_NONE)
            assert_true(*rule->how);
        else if (!(rule->families & 1u << KRN_TENDER)) /* whose way is the tender */
            assert_string_equal(rule->how, "");
    }
}

/* Each row says where we know it from; what was seen names the test, which is there. */
static void test_sources(void **state)
{
    const char *root = getenv("MIRAGE_SOURCE");
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    for (size_t i = 0; i < count; i++) {
        bool seen = !strncmp(rules[i].source, "seen: ", 6);
        if (!seen && (strncmp(rules[i].source, "doc: ", 5) != 0 || !rules[i].source[5]))
            fail_msg("no source: %s", rules[i].why);
        char path[512];
        snprintf(path, sizeof path, "%s/%s", root ? root : ".", rules[i].source + 6);
        if (seen && access(path, R_OK))
            fail_msg("%s is not there", path);
    }
}

/* Two rows about the same question would be two answers to it. */
static void test_no_contradiction(void **state)
{
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct krn_rule *later = &rules[i], *first = &rules[j];
            bool same_format = first->format == later->format || first->format == KRN_ANY_FORMAT;
            if ((first->families & later->families) && same_format &&
                (first->need & later->need) == first->need && i != count - 1)
                if (!(later->families & ~first->families) || first->need == later->need)
                    fail_msg("'%s' never counts behind '%s'", later->why, first->why);
        }
}

/* Whatever is asked, there is an answer, and the last rule (about disks) answers only disks. */
static void test_every_question(void **state)
{
    size_t count;
    const struct krn_rule *rules = krn_rules(&count);
    for (unsigned format = 0; format < MIR_FORMAT_COUNT; format++) {
        const struct mir_kernel kernel = {.format = format};
        bool is_disk = mir_kernel_is_disk(&kernel);
        for (unsigned id = 0; id < KRN_FAMILY_COUNT; id++) {
            uint64_t bits = is_disk ? 0 : KRN_X86;
            const struct krn_rule *rule = krn_rule_for(id, format, bits);
            assert_true(rule->families & (1u << id));
            bool own =
                id == KRN_TENDER || id == KRN_XEN_PV; /* they have a last rule of their own */
            if (!own)
                assert_int_equal(rule == &rules[count - 1], is_disk);
        }
    }
}

/* Every document: all families, of the right provider, and its verdict the best of them. */
static void test_documents(void **state)
{
    static const unsigned rank[MIR_VERDICT_COUNT] = {[MIR_VERDICT_BOOTS] = 4,
                                                     [MIR_VERDICT_CARRIER] = 3,
                                                     [MIR_VERDICT_UNKNOWN] = 2,
                                                     [MIR_VERDICT_NO_NETWORK] = 1};
    static const char *const hows[] = {"", "qemu-kernel", "qemu-disk", "solo5-spt", "solo5-hvt"};
    for (size_t i = 0; i < MIR_NELEMS(collection); i++) {
        struct mir_kernel k = make(i);
        unsigned best[MIR_KERNEL_PROVIDERS_MAX] = {0};
        assert_int_equal(k.boots_count, 4);
        assert_int_equal(k.family_count, KRN_FAMILY_COUNT);
        for (unsigned id = 0; id < k.family_count; id++) {
            const struct mir_family *row = &k.families[id];
            const struct krn_family *family = krn_family((enum krn_family_id)id);
            assert_string_equal(k.boots[row->boots].provider, family->provider);
            assert_ptr_equal(mir_kernel_family(&k, family->provider, family->name), row);
            if (best[row->boots] < rank[row->verdict])
                best[row->boots] = rank[row->verdict];
            if (row->verdict == MIR_VERDICT_CANNOT)
                assert_int_equal(row->powers_off, MIR_POWERS_OFF_UNKNOWN);
        }
        for (unsigned p = 0; p < k.boots_count; p++)
            assert_int_equal(rank[k.boots[p].verdict], best[p]);
        bool known = false; /* to the local provider */
        for (size_t n = 0; n < MIR_NELEMS(hows); n++)
            known |= !strcmp(mir_kernel_boots(&k, "local")->how, hows[n]);
        assert_true(known);
    }
}

/* --- what has to be given --- */

static struct mir_needs needs(void (*maker)(void), const char *provider, const char *family)
{
    maker();
    forge_finish(&f);
    struct mir_kernel k = inspect_bytes(family, f.data, f.len);
    return mir_kernel_family(&k, provider, family)->needs;
}

static void test_needs(void **state)
{
    struct mir_needs n = needs(virtio, "openstack", "kvm-x86");
    assert_int_equal(n.disk_bus, MIR_BUS_IDE); /* by virtio it would abort */
    assert_int_equal(n.image, MIR_IMAGE_QCOW2);
    assert_int_equal(n.layout, MIR_LAYOUT_BIOS);
    assert_int_equal(n.nic, MIR_NIC_VIRTIO);
    n = needs(virtio_alone, "openstack", "kvm-x86");
    assert_int_equal(n.nic, MIR_NIC_NONE);
    n = needs(multiboot, "openstack", "kvm-x86");
    assert_int_equal(n.disk_bus, MIR_BUS_VIRTIO);
    n = needs(multiboot, "ec2", "nitro");
    assert_true(n.ena && n.nic == MIR_NIC_ENA && n.disk_bus == MIR_BUS_NVME);
    n = needs(multiboot, "ec2", "xen-hvm");
    assert_true(!n.ena && n.nic == MIR_NIC_XEN && n.disk_bus == MIR_BUS_XEN);
    n = needs(xen_pv, "ec2", "xen-pv");
    assert_int_equal(n.layout, MIR_LAYOUT_PVGRUB);
    assert_int_equal(n.firmware, MIR_FIRMWARE_NONE);
    n = needs(xen_pv, "rackspace", "xenserver");
    assert_int_equal(n.image, MIR_IMAGE_VHD);
    n = needs(xen_pvh, "openstack", "kvm-x86");
    assert_true(n.direct_kernel && n.image == MIR_IMAGE_RAW);
    n = needs(multiboot, "local", "qemu-pc");
    assert_true(n.direct_kernel && n.image == MIR_IMAGE_NONE);
    n = needs(spt, "ec2", "nitro"); /* by a carrier */
    assert_true(!n.layout && n.nic == MIR_NIC_ENA && n.image == MIR_IMAGE_RAW && n.ena);
    n = needs(spt, "openstack", "kvm-x86"); /* whose disk nobody but the firmware reads */
    assert_true(n.disk_bus == MIR_BUS_IDE && n.firmware == MIR_FIRMWARE_BIOS);
    n = needs(spt, "openstack", "kvm-arm64"); /* which cannot */
    assert_true(!n.layout && !n.nic && !n.image && !n.direct_kernel);
}

/* Of what makes a virtual machine inside of its own; also where it has to be asked for. */
static void test_needs_virtualisation(void **state)
{
    (void)state;
    assert_true(needs(hvt, "local", "qemu-pc").virtualisation);
    assert_true(needs(hvt, "ec2", "metal").virtualisation);
    assert_true(needs(hvt, "ec2", "nested").virtualisation);
    assert_true(needs(hvt, "openstack", "kvm-x86").virtualisation);
    assert_true(needs(xen_pvh, "ec2", "nested").virtualisation);
    assert_false(needs(hvt, "local", "tender").virtualisation);
    assert_false(needs(hvt, "ec2", "nitro").virtualisation);
    assert_false(needs(spt, "ec2", "nested").virtualisation);
    assert_false(needs(xen_pv, "ec2", "nested").virtualisation);
}

/* --- the devices of a manifest --- */

static const struct mir_family *with_devices(const uint32_t *types, uint32_t count, uint32_t target,
                                             const char *provider, const char *family)
{
    static struct mir_kernel k;
    solo5(target, types, count);
    forge_finish(&f);
    k = inspect_bytes(family, f.data, f.len);
    return mir_kernel_family(&k, provider, family);
}

static void test_devices_have_the_last_word(void **state)
{
    static const uint32_t types[] = {NET, BLOCK};
    static const struct {
        uint32_t count, target;
        const char *provider, *family;
        enum mir_verdict verdict;
        const char *says;
    } rows[] = {
        {1, 3, "local", "qemu-pc", MIR_VERDICT_BOOTS, ""},
        {2, 3, "local", "qemu-pc", MIR_VERDICT_CANNOT, "block device 'dev1'"},
        {1, 3, "openstack", "kvm-x86", MIR_VERDICT_BOOTS, "hw_disk_bus"},
        {2, 3, "openstack", "kvm-x86", MIR_VERDICT_CANNOT, "block device 'dev1'"},
        {0, 3, "ec2", "xen-hvm", MIR_VERDICT_NO_NETWORK, ""},
        {1, 3, "ec2", "xen-hvm", MIR_VERDICT_CANNOT, "network 'dev0'"}, /* it aborts at once */
        {0, 2, "local", "tender", MIR_VERDICT_BOOTS, ""},
        {1, 2, "local", "tender", MIR_VERDICT_CANNOT, "-t virtio"},
        {1, 1, "local", "tender", MIR_VERDICT_CANNOT, "-t virtio"},
        {1, 2, "local", "qemu-pc", MIR_VERDICT_CARRIER, "Linux carrier"},
        {2, 2, "local", "qemu-pc", MIR_VERDICT_CARRIER, "1 block device: --block NAME=FILE"},
        {1, 1, "local", "qemu-pc", MIR_VERDICT_CARRIER, "Linux carrier"},
        {1, 1, "ec2", "nitro", MIR_VERDICT_CANNOT, "c8i.large"},
        {1, 1, "ec2", "metal", MIR_VERDICT_CARRIER, "Linux carrier"},
        {1, 1, "ec2", "nested", MIR_VERDICT_CARRIER, "Linux carrier"},
        {2, 1, "ec2", "nested", MIR_VERDICT_CARRIER, "1 block device: --block NAME=FILE"},
        {1, 1, "openstack", "kvm-x86", MIR_VERDICT_CANNOT, "--carrier always"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const struct mir_family *row =
            with_devices(types, rows[i].count, rows[i].target, rows[i].provider, rows[i].family);
        assert_int_equal(row->verdict, rows[i].verdict);
        if (!strstr(row->why, rows[i].says))
            fail_msg("'%s' does not say '%s'", row->why, rows[i].says);
        assert_int_equal(row->why[strlen(row->why) - 1], '.');
    }
}

/* NVMe is the quickest for a firmware to read; no cloud of OpenStack has it. */
static void test_buses_of_carriers(void **state)
{
    static const uint32_t types[] = {NET};
    (void)state;
    assert_int_equal(with_devices(types, 1, 2, "local", "qemu-pc")->needs.disk_bus, MIR_BUS_NVME);
    assert_int_equal(with_devices(types, 1, 2, "openstack", "kvm-x86")->needs.disk_bus,
                     MIR_BUS_IDE);
    assert_int_equal(with_devices(types, 1, 2, "ec2", "nitro")->needs.disk_bus, MIR_BUS_NVME);
    struct mir_needs asked_for = needs(hvt, "openstack", "kvm-x86");
    assert_true(!asked_for.layout && asked_for.nic == MIR_NIC_VIRTIO &&
                asked_for.image == MIR_IMAGE_QCOW2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_ways),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_no_contradiction),
        cmocka_unit_test(test_every_question),
        cmocka_unit_test(test_every_row_is_reached),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_needs_virtualisation),
        cmocka_unit_test(test_devices_have_the_last_word),
        cmocka_unit_test(test_buses_of_carriers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
