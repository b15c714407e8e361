/* SPDX-License-Identifier: ISC */
#include "disk.h"

#include "local_help.h"

static int admit(struct local_place *place, const void *data, size_t len, enum mir_format format,
                 char word[8], struct mir_error *err)
{
    char *path = mir_format("%s/disk", place->path);
    local_put(place->dir_fd, "disk", data, len);
    *err = (struct mir_error){0};
    int rc = local_disk_admit(path, format, word, err);
    free(path);
    return rc;
}

static void qcow2(void **state)
{
    unsigned char head[104] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 3};
    char word[8] = "";
    struct mir_error err;
    assert_int_equal(admit(*state, head, sizeof head, MIR_FORMAT_DISK_QCOW2, word, &err), 0);
    assert_string_equal(word, "qcow2");
    head[15] = 104; /* a backing file's name */
    assert_int_equal(admit(*state, head, sizeof head, MIR_FORMAT_DISK_QCOW2, word, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_true(*err.hint);
    head[15] = 0;
    head[79] = 4; /* an external data file */
    assert_int_equal(admit(*state, head, sizeof head, MIR_FORMAT_DISK_QCOW2, word, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    head[79] = 1; /* dirty: QEMU's own business */
    assert_int_equal(admit(*state, head, sizeof head, MIR_FORMAT_DISK_QCOW2, word, &err), 0);
    head[7] = 2; /* version 2 has no feature bits there */
    head[79] = 4;
    assert_int_equal(admit(*state, head, 72, MIR_FORMAT_DISK_QCOW2, word, &err), 0);
    head[7] = 9;
    assert_int_equal(admit(*state, head, sizeof head, MIR_FORMAT_DISK_QCOW2, word, &err), -1);
    head[7] = 3;
    assert_int_equal(admit(*state, head, 71, MIR_FORMAT_DISK_QCOW2, word, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    head[0] = 'q';
    assert_int_equal(admit(*state, head, sizeof head, MIR_FORMAT_DISK_QCOW2, word, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
}

static void vhd(void **state)
{
    unsigned char image[1024] = {0};
    char word[8] = "";
    struct mir_error err;
    memcpy(image + 512, "conectix", 8);
    image[512 + 63] = 2;
    assert_int_equal(admit(*state, image, sizeof image, MIR_FORMAT_DISK_VHD, word, &err), 0);
    assert_string_equal(word, "vpc");
    image[512 + 63] = 4;
    assert_int_equal(admit(*state, image, sizeof image, MIR_FORMAT_DISK_VHD, word, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_int_equal(admit(*state, image, 512, MIR_FORMAT_DISK_VHD, word, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_int_equal(admit(*state, image, 100, MIR_FORMAT_DISK_VHD, word, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
}

static void vmdk(void **state)
{
    static const char text[] = "version=1\ncreateType=\"monolithicSparse\"\n";
    unsigned char image[40 * 512] = "KDMV";
    char word[8] = "";
    struct mir_error err;
    image[12] = 1; /* sectors */
    image[28] = 1; /* where the text is */
    memcpy(image + 512, text, sizeof text);
    assert_int_equal(admit(*state, image, sizeof image, MIR_FORMAT_DISK_VMDK, word, &err), 0);
    assert_string_equal(word, "vmdk");
    /* A parent's name, wherever QEMU looks for it: behind the header, also when the text is
     * elsewhere, and behind a zero. */
    static const size_t places[] = {512 + sizeof text, 20 * 512, 21 * 512 - 18};
    for (size_t i = 0; i < MIR_NELEMS(places); i++)
        for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
            unsigned char bad[sizeof image];
            memcpy(bad, image, sizeof bad);
            memcpy(bad + places[i], "parentFileNameHint", 18);
            if (elsewhere) {
                bad[28] = 21;
                memcpy(bad + (size_t)21 * 512, text, sizeof text);
            }
            assert_int_equal(admit(*state, bad, sizeof bad, MIR_FORMAT_DISK_VMDK, word, &err), -1);
            assert_int_equal(err.kind, MIR_POLICY);
        }
    image[12] = 0; /* then the text is a list of files */
    assert_int_equal(admit(*state, image, sizeof image, MIR_FORMAT_DISK_VMDK, word, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    image[12] = 1;
    memcpy(image + 512, "createType=\"twoGbMaxExtentSparse\"\n", 35);
    assert_int_equal(admit(*state, image, sizeof image, MIR_FORMAT_DISK_VMDK, word, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_true(*err.hint);
    assert_int_equal(admit(*state, image, 512, MIR_FORMAT_DISK_VMDK, word, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    image[0] = 'k';
    assert_int_equal(admit(*state, image, sizeof image, MIR_FORMAT_DISK_VMDK, word, &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
}

static void others(void **state)
{
    char word[8] = "";
    struct mir_error err = {0};
    assert_int_equal(admit(*state, "x", 1, MIR_FORMAT_DISK_RAW, word, &err), 0);
    assert_string_equal(word, "raw");
    assert_int_equal(admit(*state, "x", 1, MIR_FORMAT_ELF, word, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_int_equal(local_disk_admit("/nonexistent", MIR_FORMAT_DISK_RAW, word, &err), -1);
    assert_int_equal(err.kind, MIR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LOCAL_IN_PLACE(qcow2), LOCAL_IN_PLACE(vhd),
                                       LOCAL_IN_PLACE(vmdk), LOCAL_IN_PLACE(others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
