/* SPDX-License-Identifier: ISC */
/*
 * volume-maker ORDERS OUT [INPUT]: makes one disk image as it is told, for tests and benchmarks
 * that let other programs judge it. ORDERS is a file, one order a line, words separated by single
 * spaces:
 *
 *     disk BYTES                       first
 *     part KIND AT LEN NAME            a partition of the table that comes next; KIND: linux, fat,
 *                                      esp, bios; a name of - is none, one that begins with * is
 *                                      active
 *     mbr ID | gpt GUID                the partitions so far (ID: a number; GUID: 32 hex digits)
 *     input AT LEN PATH                a file of the file system that comes next: from INPUT,
 *     bytes LEN PATH                   or made here (byte i of it is i * 7 mod 251)
 *     fat AT LEN ID LABEL              the files so far; a label of - is none; a LEN of 0: as long
 *     ext2 AT LEN UUID LABEL           as it has to be
 *     tables                           the input's ranges are left out
 *
 * Prints one line: bytes written, and whether the input was used from front to back. Exits with 2
 * and the reason when an order is refused.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "images/container.h"
#include "images/volume.h"

#define PARTITIONS 128

static struct {
    struct img_disk disk;
    struct img_partition partitions[PARTITIONS];
    struct img_file files[IMG_FILES_MAX + 1];
    char names[PARTITIONS][64], paths[IMG_FILES_MAX + 1][2400];
    unsigned char *made[IMG_FILES_MAX + 1];
    size_t partition_count, file_count;
    bool tables;
} maker;

static int order_disk(char *words, struct mir_error *err)
{
    return img_disk_init(&maker.disk, strtoull(words, NULL, 10), err);
}

static int order_part(char *words, struct mir_error *err)
{
    static const char *const kinds[] = {"linux", "fat", "esp", "bios"};
    struct img_partition *p = &maker.partitions[maker.partition_count];
    char kind[16], *name = maker.names[maker.partition_count];
    if (sscanf(words, "%15s %" SCNu64 " %" SCNu64 " %63[^\n]", kind, &p->at, &p->len, name) != 4 ||
        maker.partition_count + 1 == PARTITIONS)
        return mir_fail(err, MIR_INTERNAL, "part %s", words);
    for (int k = 0; k < 4; k++)
        if (!strcmp(kind, kinds[k]))
            p->kind = (enum img_partition_kind)k;
    p->active = *name == '*';
    p->name = *name == '-' ? NULL : name + p->active;
    maker.partition_count++;
    return 0;
}

static void bytes_of_hex(const char *hex, unsigned char ret[16])
{
    for (int i = 0; i < 16; i++)
        sscanf(hex + 2 * i, "%2hhx", &ret[i]);
}

static int order_mbr(char *words, struct mir_error *err)
{
    return img_mbr_add(&maker.disk, NULL, (uint32_t)strtoul(words, NULL, 10), maker.partitions,
                       maker.partition_count, err);
}

static int order_gpt(char *words, struct mir_error *err)
{
    unsigned char guid[16] = {0};
    bytes_of_hex(words, guid);
    return img_gpt_add(&maker.disk, NULL, guid, maker.partitions, maker.partition_count, err);
}

/* The next file, its path copied; NULL when there is no room. */
static struct img_file *next_file(const char *path)
{
    size_t at = maker.file_count;
    if (at > IMG_FILES_MAX || strlen(path) >= sizeof maker.paths[at])
        return NULL;
    memcpy(maker.paths[at], path, strlen(path) + 1);
    maker.files[at] = (struct img_file){.path = maker.paths[at]};
    maker.file_count++;
    return &maker.files[at];
}

static int order_input(char *words, struct mir_error *err)
{
    char *rest, *path;
    uint64_t at = strtoull(words, &rest, 10), len = strtoull(rest, &path, 10);
    struct img_file *file = next_file(*path ? path + 1 : path);
    if (!file)
        return mir_fail(err, MIR_INTERNAL, "input %s", words);
    file->input_at = at;
    file->len = len;
    return 0;
}

static int order_bytes(char *words, struct mir_error *err)
{
    char *path;
    uint64_t len = strtoull(words, &path, 10);
    struct img_file *file = next_file(*path ? path + 1 : path);
    unsigned char *bytes = malloc(len + 1);
    if (!file || !bytes)
        return mir_fail(err, MIR_INTERNAL, "bytes %s", words);
    for (uint64_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)(i * 7 % 251);
    maker.made[maker.file_count - 1] = bytes;
    file->bytes = bytes;
    file->len = len;
    return 0;
}

/* Cuts "AT LEN ID LABEL". */
static int cut(char *words, uint64_t *at, uint64_t *len, char *id, char *label,
               struct mir_error *err)
{
    if (sscanf(words, "%" SCNu64 " %" SCNu64 " %32s %16[^\n]", at, len, id, label) != 4)
        return mir_fail(err, MIR_INTERNAL, "%s", words);
    if (!strcmp(label, "-"))
        *label = '\0';
    return 0;
}

static int order_fat(char *words, struct mir_error *err)
{
    uint64_t at, len;
    char id[33], label[17];
    if (cut(words, &at, &len, id, label, err))
        return -1;
    if (!len)
        len = img_fat_bytes(maker.files, maker.file_count);
    return img_fat_add(&maker.disk, at, len, (uint32_t)strtoul(id, NULL, 16), label, maker.files,
                       maker.file_count, err);
}

static int order_ext2(char *words, struct mir_error *err)
{
    uint64_t at, len;
    char id[33], label[17];
    unsigned char uuid[16] = {0};
    if (cut(words, &at, &len, id, label, err))
        return -1;
    bytes_of_hex(id, uuid);
    if (!len)
        len = img_ext2_bytes(maker.files, maker.file_count);
    return img_ext2_add(&maker.disk, at, len, uuid, label, maker.files, maker.file_count, err);
}

static const struct order {
    const char *name;
    int (*run)(char *words, struct mir_error *err);
} orders[] = {
    {"disk", order_disk},   {"part", order_part},   {"mbr", order_mbr}, {"gpt", order_gpt},
    {"input", order_input}, {"bytes", order_bytes}, {"fat", order_fat}, {"ext2", order_ext2},
};

static int run(char *line, struct mir_error *err)
{
    line[strcspn(line, "\n")] = '\0';
    size_t len = strcspn(line, " ");
    if (!strcmp(line, "tables")) {
        maker.tables = true;
        return 0;
    }
    for (size_t i = 0; i < MIR_NELEMS(orders); i++)
        if (strlen(orders[i].name) == len && !strncmp(line, orders[i].name, len))
            return orders[i].run(line + len + (line[len] == ' '), err);
    return mir_fail(err, MIR_INTERNAL, "no such order: %s", line);
}

/* Drops the ranges of the input from the sealed disk. */
static void only_tables(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < maker.disk.count; i++)
        if (maker.disk.extents[i].bytes)
            maker.disk.extents[kept++] = maker.disk.extents[i];
    maker.disk.count = kept;
}

static int finish(const char *out, const char *in, struct mir_error *err)
{
    struct img_input input;
    struct img_output output;
    if (img_disk_seal(&maker.disk, err))
        return -1;
    printf("%" PRIu64 " %s\n", img_disk_written(&maker.disk),
           img_disk_is_sequential(&maker.disk) ? "sequential" : "jumps");
    if (maker.tables)
        only_tables();
    int from = in ? open(in, O_RDONLY | O_CLOEXEC) : -1;
    int to = open(out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    img_input_init(&input, from);
    img_output_init(&output, to);
    int result =
        img_container_write(img_container_by_name("raw"), &maker.disk, &input, &output, err);
    if (from >= 0)
        close(from);
    close(to);
    return result;
}

static int all_orders(const char *path, struct mir_error *err)
{
    static char line[2600];
    FILE *file = fopen(path, "re");
    int result = file ? 0 : mir_fail(err, MIR_USAGE, "no file %s", path);
    while (!result && fgets(line, sizeof line, file))
        result = run(line, err);
    if (file)
        fclose(file);
    return result;
}

int main(int argc, char **argv)
{
    struct mir_error err = {0};
    int result = argc < 3 ? mir_fail(&err, MIR_USAGE, "volume-maker ORDERS OUT [INPUT]")
                          : all_orders(argv[1], &err);
    if (!result)
        result = finish(argv[2], argc > 3 ? argv[3] : NULL, &err);
    if (result)
        fprintf(stderr, "%s (%s)\n", err.text, err.hint);
    img_disk_clear(&maker.disk);
    for (size_t i = 0; i <= IMG_FILES_MAX; i++)
        free(maker.made[i]);
    return result ? 2 : 0;
}
