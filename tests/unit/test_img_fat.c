/* SPDX-License-Identifier: ISC */
/* FAT16 and FAT32, read back by the rules of the format: which kind it is, chains, borders. */
#include <stdio.h>

#include "volume_help.h"

/* The file system as a reader sees it. */
struct view {
    const struct img_disk *disk;
    uint64_t at, fat, root, data, table_bytes;
    uint32_t cluster_bytes, clusters, root_cluster;
    unsigned bits;
};

static struct view view_of(const struct img_disk *disk, uint64_t at)
{
    unsigned char b[512];
    bytes_at(disk, at, b, sizeof b);
    uint64_t sectors = krn_le16(b + 19) ? krn_le16(b + 19) : krn_le32(b + 32);
    uint64_t table = krn_le16(b + 22) ? krn_le16(b + 22) : krn_le32(b + 36);
    uint64_t reserved = krn_le16(b + 14), root = krn_le16(b + 17) / 16;
    struct view v = {.disk = disk, .at = at, .cluster_bytes = b[13] * 512u};
    v.fat = at + reserved * 512;
    v.table_bytes = table * 512;
    v.root = v.fat + 2 * v.table_bytes;
    v.data = v.root + root * 512;
    v.clusters = (uint32_t)((sectors - reserved - 2 * table - root) / b[13]);
    v.bits = v.clusters < 4085 ? 12 : v.clusters < 65525 ? 16 : 32;
    v.root_cluster = v.bits == 32 ? krn_le32(b + 44) : 0;
    assert_int_equal(krn_le16(b + 11), 512);
    assert_int_equal(krn_le16(b + 510), 0xaa55);
    assert_int_equal(krn_le32(b + 28), at / 512);
    assert_memory_equal(b + (v.bits == 32 ? 82 : 54), v.bits == 32 ? "FAT32   " : "FAT16   ", 8);
    return v;
}

static uint32_t link_of(const struct view *v, uint32_t cluster)
{
    uint64_t at = (uint64_t)cluster * v->bits / 8;
    assert_true(at + v->bits / 8 <= v->table_bytes);
    uint32_t first = le32_at(v->disk, v->fat + at);
    assert_int_equal(first, le32_at(v->disk, v->fat + v->table_bytes + at));
    return v->bits == 32 ? first & 0x0fffffff : first & 0xffff;
}

static bool is_end(const struct view *v, uint32_t value)
{
    return value >= (v->bits == 32 ? 0x0ffffff8u : 0xfff8u);
}

static uint64_t place(const struct view *v, uint32_t cluster)
{
    assert_true(cluster >= 2 && cluster < v->clusters + 2);
    return v->data + (uint64_t)(cluster - 2) * v->cluster_bytes;
}

/* The entry with this alias in a folder that fits into one cluster (0: FAT16's root). */
static uint64_t entry_of(const struct view *v, uint32_t folder, const char *alias)
{
    uint64_t at = folder ? place(v, folder) : v->root;
    for (unsigned i = 0; i < v->cluster_bytes / 32; i++, at += 32) {
        char got[11];
        bytes_at(v->disk, at, got, sizeof got);
        if (!memcmp(got, alias, 11) && byte_at(v->disk, at + 11) != 0x0f)
            return at;
    }
    fail_msg("no %s", alias);
    return 0;
}

static uint32_t cluster_of(const struct view *v, uint64_t entry)
{
    return le16_at(v->disk, entry + 20) << 16 | le16_at(v->disk, entry + 26);
}

/* The chain has the file's bytes; returns its length. */
static uint32_t check_file(const struct view *v, uint64_t entry, const struct img_file *file)
{
    uint32_t cluster = cluster_of(v, entry), count = 0;
    assert_int_equal(le32_at(v->disk, entry + 28), file->len);
    for (uint64_t done = 0; done < file->len; done += v->cluster_bytes, count++) {
        uint64_t left = file->len - done;
        assert_true(holds(v->disk, place(v, cluster), file, done,
                          left < v->cluster_bytes ? left : v->cluster_bytes));
        uint32_t next = link_of(v, cluster);
        assert_int_equal(is_end(v, next), left <= v->cluster_bytes);
        cluster = next;
    }
    return count;
}

static int add(struct img_disk *disk, uint64_t at, uint64_t len, const struct img_file *files,
               size_t count, struct mir_error *err)
{
    *disk = disk_of(at + len);
    return img_fat_add(disk, at, len, 0x12345678, "label", files, count, err) ||
                   img_disk_seal(disk, err)
               ? -1
               : 0;
}

/* Every length at which the kind or the cluster's size changes, and its neighbours. */
static void test_kinds(void **state)
{
    static const uint64_t borders[] = {
        IMG_FAT_BYTES_MIN, 5 * MIB,  10 * MIB, 20 * MIB, 255 * MIB,          IMG_FAT16_BYTES_MAX,
        8 * GIB,           16 * GIB, 32 * GIB, 33 * GIB, IMG_DISK_BYTES_MAX,
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(borders); i++)
        for (int step = -1; step <= 1; step++) {
            uint64_t len = borders[i] + (uint64_t)(step * 512);
            if (len < IMG_FAT_BYTES_MIN || len > IMG_DISK_BYTES_MAX)
                continue;
            struct img_file file = input_file("KERNEL", 0, MIB);
            struct img_disk disk;
            assert_int_equal(add(&disk, 0, len, &file, 1, NULL), 0);
            struct view v = view_of(&disk, 0);
            assert_int_equal(v.bits, len <= IMG_FAT16_BYTES_MAX ? 16 : 32);
            /* Clear of where readers disagree. */
            assert_true(v.bits == 16 ? v.clusters >= 4085 + 16 && v.clusters <= 65524 - 16
                                     : v.clusters >= 65525 + 16);
            assert_true(v.table_bytes * 8 / v.bits >= v.clusters + 2);
            assert_true(v.data + (uint64_t)v.clusters * v.cluster_bytes <= len);
            assert_int_equal(v.data % 4096, 0);
            assert_int_equal(link_of(&v, 0), v.bits == 32 ? 0x0ffffff8 : 0xfff8);
            assert_true(is_end(&v, link_of(&v, 1)));
            check_file(&v, entry_of(&v, v.root_cluster, "KERNEL     "), &file);
            img_disk_clear(&disk);
        }
}

static void test_fat32_has_copies_and_counts(void **state)
{
    struct img_file file = input_file("a/KERNEL", 0, MIB);
    struct img_disk disk;
    unsigned char boot[1024], copy[1024];
    (void)state;
    assert_int_equal(add(&disk, MIB, GIB, &file, 1, NULL), 0);
    struct view v = view_of(&disk, MIB);
    bytes_at(&disk, MIB, boot, 1024);
    bytes_at(&disk, MIB + (uint64_t)6 * 512, copy, 1024);
    assert_memory_equal(boot, copy, 1024);
    assert_int_equal(krn_le32(boot + 512), 0x41615252);
    assert_int_equal(krn_le32(boot + 512 + 488), v.clusters - 1 - 1 - 256);
    assert_int_equal(krn_le32(boot + 512 + 492), 2 + 1 + 1 + 256);
    assert_int_equal(link_of(&v, 2 + 1 + 1 + 256), 0);
    img_disk_clear(&disk);
}

/* One cluster, and a byte more or less; nothing at all. */
static void test_clusters(void **state)
{
    static const uint64_t lens[] = {3 * MIB, 8 * MIB, 16 * MIB, 64 * MIB, 260 * MIB, GIB};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(lens); i++) {
        static unsigned char made[2 * 8192 + 1];
        struct img_disk disk;
        assert_int_equal(add(&disk, 0, lens[i], NULL, 0, NULL), 0);
        uint64_t cluster = view_of(&disk, 0).cluster_bytes;
        img_disk_clear(&disk);
        struct img_file files[] = {
            input_file("A", 0, cluster - 1), input_file("B", MIB, cluster),
            input_file("EMPTY", 0, 0),       input_file("C", 2 * MIB, cluster + 1),
            {"MADE", 2 * cluster, made, 0},  input_file("LAST", 3 * MIB, 1),
        };
        for (size_t n = 0; n < sizeof made; n++)
            made[n] = (unsigned char)(n * 13 >> 3);
        static const uint32_t counts[] = {1, 1, 0, 2, 2, 1};
        assert_int_equal(add(&disk, 0, lens[i], files, MIR_NELEMS(files), NULL), 0);
        struct view v = view_of(&disk, 0);
        uint32_t next = v.root_cluster ? 3 : 2; /* one after the other, in the order given */
        for (size_t f = 0; f < MIR_NELEMS(files); f++) {
            char alias[12];
            snprintf(alias, sizeof alias, "%-11s", files[f].path);
            uint64_t entry = entry_of(&v, v.root_cluster, alias);
            assert_int_equal(check_file(&v, entry, &files[f]), counts[f]);
            while (counts[f] && place(&v, next) % 4096)
                next++;
            assert_int_equal(cluster_of(&v, entry), counts[f] ? next : 0);
            next += counts[f];
        }
        assert_true(img_disk_is_sequential(&disk));
        img_disk_clear(&disk);
    }
}

static void test_folders(void **state)
{
    struct img_file files[] = {input_file("A/B/X", 0, 10), input_file("A/Y", 10, 0)};
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct img_disk disk;
        assert_int_equal(add(&disk, 0, big ? GIB : 4 * MIB, files, 2, NULL), 0);
        struct view v = view_of(&disk, 0);
        uint32_t a = cluster_of(&v, entry_of(&v, v.root_cluster, "A          "));
        uint32_t b = cluster_of(&v, entry_of(&v, a, "B          "));
        assert_int_equal(cluster_of(&v, entry_of(&v, a, ".          ")), a);
        assert_int_equal(cluster_of(&v, entry_of(&v, a, "..         ")), 0); /* the root's */
        assert_int_equal(cluster_of(&v, entry_of(&v, b, "..         ")), a);
        check_file(&v, entry_of(&v, b, "X          "), &files[0]);
        check_file(&v, entry_of(&v, a, "Y          "), &files[1]);
        assert_int_equal(byte_at(&disk, entry_of(&v, v.root_cluster, "LABEL      ") + 11), 8);
        img_disk_clear(&disk);
    }
}

/* The last cluster can be had, one more cannot, and the refusal says what it takes. */
static void test_full(void **state)
{
    static const uint64_t lens[] = {IMG_FAT_BYTES_MIN, 20 * MIB, IMG_FAT16_BYTES_MAX, GIB};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(lens); i++) {
        struct img_disk disk;
        struct mir_error err = {0};
        assert_int_equal(add(&disk, 0, lens[i], NULL, 0, NULL), 0);
        struct view v = view_of(&disk, 0);
        img_disk_clear(&disk);
        uint64_t room = (uint64_t)(v.clusters - (v.bits == 32)) * v.cluster_bytes;
        struct img_file file = input_file("ALL", 0, room);
        assert_int_equal(add(&disk, 0, lens[i], &file, 1, NULL), 0);
        v = view_of(&disk, 0);
        assert_true(is_end(&v, link_of(&v, v.clusters + 1)));
        img_disk_clear(&disk);
        file.len = room + 1;
        assert_int_equal(add(&disk, 0, lens[i], &file, 1, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
        assert_true(strstr(err.hint, "it takes"));
        img_disk_clear(&disk);
    }
}

/* What img_fat_bytes says does, and so does everything above it; it is not far above the least. */
static void test_bytes(void **state)
{
    static char paths[IMG_FILES_MAX][300];
    uint64_t random = 1;
    (void)state;
    for (int round = 0; round < 100; round++) {
        struct img_file files[IMG_FILES_MAX];
        size_t count = next_random(&random) % (IMG_FILES_MAX + 1);
        unsigned bits = (unsigned)(next_random(&random) % 30);
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            int fill = round % 3 ? 1 : 200; /* every third has long names */
            snprintf(paths[i], sizeof paths[i], "d%d/%0*zu", (int)(next_random(&random) % 9), fill,
                     i);
            files[i] =
                input_file(paths[i], sum, next_random(&random) % ((UINT64_C(1) << bits) + 1));
            sum += files[i].len;
        }
        uint64_t least = img_fat_bytes(files, count);
        assert_int_equal(least % 4096, 0);
        for (int more = 0; more < 10; more++) {
            uint64_t extra = next_random(&random) % (UINT64_C(1) << (more * 4)) * 512;
            struct img_disk disk;
            struct mir_error err = {0};
            if (more == 9 && least < IMG_FAT16_BYTES_MAX)
                extra = IMG_FAT16_BYTES_MAX + 512 - least;
            if (extra > IMG_DISK_BYTES_MAX - least)
                extra = IMG_DISK_BYTES_MAX - least;
            if (add(&disk, 0, least + extra, files, count, &err))
                fail_msg("%s %s", err.text, err.hint);
            img_disk_clear(&disk);
        }
        uint64_t waste = (UINT64_C(8192) + 5000) * (count + 9) + sum / 100;
        assert_true(least < IMG_FAT_BYTES_MIN + 512 + sum + waste || least == IMG_FAT_BYTES_MIN);
    }
    struct img_file huge[IMG_FILES_MAX];
    for (size_t i = 0; i < IMG_FILES_MAX; i++)
        huge[i] = input_file(paths[i], i << 32, IMG_FAT_FILE_MAX);
    assert_true(img_fat_bytes(huge, IMG_FILES_MAX) > IMG_FILES_MAX * (4 * GIB - 1));
    assert_true(img_fat_bytes(huge, IMG_FILES_MAX) < IMG_FILES_MAX * (4 * GIB + 4 * MIB));
}

/* A little more length may mean a later first cluster, or larger clusters that hold less: what fits
 * has to fit there, too. */
static void test_bytes_at_borders(void **state)
{
    static const uint64_t borders[] = {5 * MIB, 10 * MIB, 20 * MIB, 255 * MIB, IMG_FAT16_BYTES_MAX};
    static char names[IMG_FILES_MAX][4];
    struct img_file files[IMG_FILES_MAX];
    (void)state;
    for (size_t i = 0; i < IMG_FILES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "%zu", i);
        files[i] = input_file(names[i], i, 1);
    }
    for (size_t b = 0; b < MIR_NELEMS(borders); b++)
        for (uint64_t less = 0; less < 800 * KIB; less += 36 * KIB) {
            struct img_disk disk;
            files[IMG_FILES_MAX - 1].len = borders[b] - less;
            uint64_t least = img_fat_bytes(files, IMG_FILES_MAX);
            for (uint64_t more = 0; more < 40; more++) {
                assert_int_equal(add(&disk, 0, least + more * 512, files, IMG_FILES_MAX, NULL), 0);
                img_disk_clear(&disk);
            }
            if (least > borders[b])
                continue;
            assert_int_equal(add(&disk, 0, borders[b] + 512, files, IMG_FILES_MAX, NULL), 0);
            img_disk_clear(&disk);
        }
}

static void test_refused(void **state)
{
    static const struct {
        uint64_t at, len;
    } bad[] = {{0, IMG_FAT_BYTES_MIN - 512},
               {0, 0},
               {1, 4 * MIB},
               {0, 4 * MIB + 1},
               {512, 8 * MIB},
               {9 * MIB, 4 * MIB},
               {UINT64_MAX - 511, 4 * MIB},
               {0, UINT64_MAX - 511}};
    struct img_file file = input_file("A", 0, IMG_FAT_FILE_MAX);
    struct img_disk disk;
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct mir_error err = {0};
        disk = disk_of(8 * MIB);
        assert_int_equal(img_fat_add(&disk, bad[i].at, bad[i].len, 0, NULL, NULL, 0, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
        img_disk_clear(&disk);
    }
    assert_int_equal(add(&disk, 0, 8 * GIB, &file, 1, NULL), 0);
    img_disk_clear(&disk);
    file.len++;
    assert_int_equal(add(&disk, 0, 8 * GIB, &file, 1, NULL), -1);
    img_disk_clear(&disk);
}

/* A kernel in a large volume costs little more than itself, and comes out the same each time. */
static void test_sparse_and_the_same(void **state)
{
    struct img_file files[] = {input_file("boot/kernel.bin", 0, 3 * MIB),
                               {"boot/grub/grub.cfg", 5, (const unsigned char *)"boot\n", 0}};
    struct img_disk one, two;
    (void)state;
    assert_int_equal(add(&one, MIB, 8 * GIB, files, 2, NULL), 0);
    assert_int_equal(add(&two, MIB, 8 * GIB, files, 2, NULL), 0);
    assert_true(img_disk_written(&one) <= 3 * MIB + 64 * KIB);
    assert_true(img_disk_is_sequential(&one));
    assert_true(same_disks(&one, &two));
    img_disk_clear(&one);
    img_disk_clear(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_fat32_has_copies_and_counts),
        cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_bytes_at_borders),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_sparse_and_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
