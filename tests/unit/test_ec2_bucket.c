/* SPDX-License-Identifier: ISC */
/* Keys in the bucket: what is made of a deployment's tags is read back, and nothing else is taken
 * for one. */
#include "cloud.h"
#include "scratch.h"

#define INSTALLATION "0123456789abcdef0123456789abcdef"
#define DEPLOYMENT "fedcba9876543210fedcba9876543210"
#define SIGNATURE "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define DISK "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define BEGIN CLOUD_KEY_ROOT INSTALLATION "/" DEPLOYMENT "/"
#define KEY BEGIN "1796000000/" SIGNATURE "/" DISK ".vmdk"

static void test_there_and_back(void **state)
{
    const struct mir_tags tags = {.installation = INSTALLATION,
                                  .deployment = DEPLOYMENT,
                                  .expires_s = 1796000000,
                                  .signature = SIGNATURE};
    static const char *const files[] = {DISK ".vmdk", DISK ".part.0", DISK ".part.1029",
                                        DISK ".manifest.xml"};
    struct mir_tags read;
    char key[CLOUD_KEY_TEXT], disk[MIR_SHA256_TEXT];
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(files); i++) {
        cloud_key_make(&tags, files[i], key);
        assert_string_equal(key + strlen(key) - strlen(files[i]), files[i]);
        cloud_key_read(key, &read, disk);
        assert_memory_equal(&read, &tags, sizeof tags);
        assert_string_equal(disk, DISK);
    }
    cloud_key_make(&tags, DISK ".vmdk", key);
    assert_string_equal(key, KEY);
}

static void test_prefix(void **state)
{
    struct cloud cloud = {.installation = INSTALLATION};
    char prefix[CLOUD_KEY_TEXT];
    (void)state;
    cloud_key_prefix(&cloud, DEPLOYMENT, prefix);
    assert_string_equal(prefix, BEGIN);
    cloud_key_prefix(&cloud, NULL, prefix);
    assert_string_equal(prefix, CLOUD_KEY_ROOT);
}

static void test_others(void **state)
{
    static const char *const keys[] = {
        "",
        CLOUD_KEY_ROOT,
        BEGIN,
        BEGIN "1796000000/" SIGNATURE "/" DISK,
        BEGIN "1796000000/" SIGNATURE "/" DISK ".vmdk/more",
        BEGIN "1796000000/" SIGNATURE "/" DISK "0.vmdk",
        BEGIN "1796000000/" SIGNATURE "/short.vmdk",
        BEGIN "soon/" SIGNATURE "/" DISK ".vmdk",
        BEGIN "1796000000/" SIGNATURE "/" DISK ".part.",
        BEGIN "1796000000/" SIGNATURE "/" DISK ".part.1x",
        BEGIN "1796000000/" SIGNATURE "/" DISK ".part.10000",
        BEGIN "1796000000/" SIGNATURE "/" DISK ".manifest.xml.part.0",
        "somebody/" KEY,
        CLOUD_KEY_ROOT "../" DEPLOYMENT "/1/" SIGNATURE "/" DISK ".vmdk",
    };
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(keys); i++) {
        struct mir_tags read;
        cloud_key_read(keys[i], &read, NULL);
        if (*read.deployment)
            fail_msg("%s is none of ours", keys[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
