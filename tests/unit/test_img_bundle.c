/* SPDX-License-Identifier: ISC */
/*
 * The instance-store bundle, undone by other means than it was made with: libcrypto's own RSA
 * padding, zlib, and the machine's tar. What comes out is the disk; the manifest's every digest is
 * right and its signature holds.
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <zlib.h>

#include "certificate.h"
#include "image_random.h"
#include "images/bundle.h"
#include "scratch.h"
#include "tar.h"

#define INPUT_BYTES ((uint64_t)24 << 20)
#define FILES_MAX 8
#define NAME "web-1.img"

/* --- keys --- */

struct who {
    EVP_PKEY *key;
    char *certificate_pem, *key_pem;
};

static void who_init(struct who *who, EVP_PKEY *key)
{
    assert_non_null(key);
    who->key = key;
    who->certificate_pem = certificate_pem(key);
    who->key_pem = key_pem(key);
    assert_true(who->certificate_pem && who->key_pem);
}

static void who_clear(struct who *who)
{
    EVP_PKEY_free(who->key);
    free(who->certificate_pem);
    free(who->key_pem);
}

static struct who user, ec2;

static int make_keys(void **state)
{
    (void)state;
    who_init(&user, EVP_RSA_gen(2048));
    who_init(&ec2, EVP_RSA_gen(1024));
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    who_clear(&user);
    who_clear(&ec2);
    return 0;
}

static struct img_bundle options(void)
{
    struct img_bundle b = {.name = NAME,
                           .account = "1234-5678-9012",
                           .kernel_id = "aki-fc8f11cc",
                           .arch = MIR_ARCH_X86_64,
                           .certificate_pem = user.certificate_pem,
                           .key_pem = user.key_pem,
                           .ec2_certificate_pem = ec2.certificate_pem};
    for (unsigned i = 0; i < sizeof b.random; i++)
        b.random[i] = (unsigned char)(i * 37 + 1);
    return b;
}

/* --- files that were made --- */

struct kept {
    unsigned count;
    struct {
        char name[128];
        unsigned char *bytes;
        size_t len;
    } files[FILES_MAX];
};

static int keep(void *ctx, const char *name, const void *bytes, size_t len, struct mir_error *err)
{
    struct kept *kept = ctx;
    (void)err;
    assert_true(kept->count < FILES_MAX && len);
    mir_copy(kept->files[kept->count].name, sizeof kept->files[0].name, name);
    kept->files[kept->count].bytes = calloc(1, len + 1);
    memcpy(kept->files[kept->count].bytes, bytes, len);
    kept->files[kept->count++].len = len;
    return 0;
}

static void kept_clear(struct kept *kept)
{
    for (unsigned i = 0; i < kept->count; i++)
        free(kept->files[i].bytes);
}

static int bundle_of(const struct img_bundle *b, const struct img_disk *disk, int in,
                     struct kept *kept, struct mir_error *err)
{
    struct img_input input;
    const struct img_bundle_sink sink = {.file = keep, .ctx = kept};
    *kept = (struct kept){0};
    img_input_init(&input, in);
    return img_bundle_write(b, disk, &input, &sink, err);
}

/* --- undone --- */

static unsigned from_hex(const char *hex, size_t digits, unsigned char *out)
{
    for (size_t i = 0; i < digits / 2; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (unsigned char)byte;
    }
    return (unsigned)(digits / 2);
}

/* The text between <name ...> and </name>, the n-th of them. */
static const char *between(const char *xml, const char *name, unsigned n, size_t *ret_len)
{
    char *open = mir_format("<%s", name), *close_ = mir_format("</%s>", name);
    const char *at = xml, *end;
    do {
        do {
            at = strstr(at, open);
            assert_non_null(at);
            at += strlen(open);
        } while (*at != '>' && *at != ' ');
    } while (n--);
    at = strchr(at, '>') + 1;
    end = strstr(at, close_);
    assert_non_null(end);
    *ret_len = (size_t)(end - at);
    free(open);
    free(close_);
    return at;
}

static void expect_text(const char *xml, const char *name, const char *want)
{
    size_t len;
    const char *text = between(xml, name, 0, &len);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(text, want, len);
}

static void expect_number(const char *xml, const char *name, uint64_t want)
{
    char *text = mir_format("%llu", (unsigned long long)want);
    expect_text(xml, name, text);
    free(text);
}

/* What the holder of a private key reads: 32 hexadecimal digits. */
static void unseal(const char *xml, const char *name, EVP_PKEY *key, unsigned char out[16])
{
    size_t digits, len = 1024;
    unsigned char sealed[1024], plain[1024];
    const char *hex = between(xml, name, 0, &digits);
    unsigned size = from_hex(hex, digits, sealed);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
    assert_int_equal(EVP_PKEY_decrypt(ctx, plain, &len, sealed, size), 1);
    EVP_PKEY_CTX_free(ctx);
    assert_int_equal(len, 32);
    from_hex((const char *)plain, 32, out);
}

static void expect_digest(const char *xml, unsigned n, const void *data, size_t len)
{
    unsigned char got[20], want[20];
    size_t digits;
    const char *hex = between(xml, "digest", n, &digits);
    assert_int_equal(digits, 40);
    from_hex(hex, digits, want);
    assert_int_equal(EVP_Digest(data, len, got, NULL, EVP_sha1(), NULL), 1);
    assert_memory_equal(got, want, 20);
}

static bool signature_holds(const char *xml)
{
    unsigned char signature[1024];
    size_t digits;
    const char *hex = between(xml, "signature", 0, &digits);
    const char *from = strstr(xml, "<machine_configuration>"), *to = strstr(xml, "<signature>");
    unsigned size = from_hex(hex, digits, signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha1(), NULL, user.key), 1);
    int holds =
        EVP_DigestVerify(ctx, signature, size, (const unsigned char *)from, (size_t)(to - from));
    EVP_MD_CTX_free(ctx);
    return holds == 1;
}

/* All parts together, decrypted and unpacked: the tar file. Owned. */
static unsigned char *untangle(const struct kept *kept, const unsigned char key[16],
                               const unsigned char iv[16], size_t room, size_t *ret_len)
{
    unsigned char *plain = malloc(FILES_MAX * IMG_BUNDLE_PART_BYTES), *tar = malloc(room);
    size_t len = 0;
    int n;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_DecryptInit_ex(ctx, EVP_aes_128_cbc(), NULL, key, iv), 1);
    for (unsigned i = 0; i + 1 < kept->count; i++) {
        assert_int_equal(
            EVP_DecryptUpdate(ctx, plain + len, &n, kept->files[i].bytes, (int)kept->files[i].len),
            1);
        len += (size_t)n;
    }
    assert_int_equal(EVP_DecryptFinal_ex(ctx, plain + len, &n), 1);
    EVP_CIPHER_CTX_free(ctx);
    z_stream z = {.next_in = plain,
                  .avail_in = (uInt)(len + (size_t)n),
                  .next_out = tar,
                  .avail_out = (uInt)room};
    assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    *ret_len = z.total_out;
    inflateEnd(&z);
    free(plain);
    return tar;
}

/* What it says is kept in the folder's file "said". */
static void run_tar(const char *folder, const char *flags, const char *file)
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        char *said = mir_format("%s/said", folder);
        int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0)
            execlp("tar", "tar", "-C", folder, flags, file, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void expect_disk(const char *path, const struct img_disk *disk, int in)
{
    struct mir_error err = {0};
    struct img_input input;
    mir_auto_cursor struct img_cursor cursor;
    mir_auto_free unsigned char *want = malloc(disk->size), *got = malloc(disk->size + 1);
    mir_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    img_input_init(&input, in);
    img_cursor_init(&cursor, disk, &input);
    assert_int_equal(img_cursor_read(&cursor, want, disk->size, NULL, &err), 0);
    assert_int_equal(read(fd, got, disk->size + 1), disk->size);
    assert_memory_equal(got, want, disk->size);
}

static void judge(const struct kept *kept, const struct img_disk *disk, int in, const char *folder)
{
    const char *xml = (const char *)kept->files[kept->count - 1].bytes;
    unsigned char key[16], iv[16], other[16];
    size_t tar_len, bundled = 0;
    assert_string_equal(kept->files[kept->count - 1].name, NAME ".manifest.xml");
    for (unsigned i = 0; i + 1 < kept->count; i++) {
        size_t len, want = kept->files[i].len;
        assert_true(i + 2 == kept->count ? want <= IMG_BUNDLE_PART_BYTES
                                         : want == IMG_BUNDLE_PART_BYTES);
        const char *name = between(xml, "filename", i, &len);
        assert_int_equal(len, strlen(kept->files[i].name));
        assert_memory_equal(name, kept->files[i].name, len);
        expect_digest(xml, i + 1, kept->files[i].bytes, want);
        bundled += want;
    }
    expect_text(xml, "user", "123456789012");
    expect_text(xml, "architecture", "x86_64");
    expect_text(xml, "kernel_id", "aki-fc8f11cc");
    expect_number(xml, "size", disk->size);
    expect_number(xml, "bundled_size", bundled);
    assert_true(signature_holds(xml));
    unseal(xml, "user_encrypted_key", user.key, key);
    unseal(xml, "ec2_encrypted_key", ec2.key, other);
    assert_memory_equal(key, other, 16);
    unseal(xml, "user_encrypted_iv", user.key, iv);
    unseal(xml, "ec2_encrypted_iv", ec2.key, other);
    assert_memory_equal(iv, other, 16);
    unsigned char *tar = untangle(kept, key, iv, disk->size + 4096, &tar_len);
    expect_digest(xml, 0, tar, tar_len);
    char *path = mir_format("%s/tar", folder), *image = mir_format("%s/" NAME, folder);
    mir_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(mir_write_all(fd, tar, tar_len), 0);
    run_tar(folder, "-xf", path);
    expect_disk(image, disk, in);
    free(path);
    free(image);
    free(tar);
}

static void test_undone(void **state)
{
    static const uint64_t sizes[] = {512, 1 << 20, 30 << 20};
    int in = image_input(7, INPUT_BYTES);
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct img_bundle b = options();
        struct img_disk disk;
        struct kept kept, again;
        struct mir_error err = {0};
        assert_int_equal(image_random(&disk, seed, sizes[seed % 3], INPUT_BYTES, &err), 0);
        if (bundle_of(&b, &disk, in, &kept, &err))
            fail_msg("%s", err.text);
        judge(&kept, &disk, in, *state);
        assert_int_equal(bundle_of(&b, &disk, in, &again, &err), 0);
        assert_int_equal(kept.count, again.count);
        for (unsigned i = 0; i < kept.count; i++) {
            assert_int_equal(kept.files[i].len, again.files[i].len);
            assert_memory_equal(kept.files[i].bytes, again.files[i].bytes, kept.files[i].len);
        }
        kept_clear(&kept);
        kept_clear(&again);
        img_disk_clear(&disk);
    }
    close(in);
}

/* Noise does not become smaller: several parts. And other randomness is another bundle. */
static void test_several_parts(void **state)
{
    int in = image_input(7, INPUT_BYTES);
    struct img_bundle b = options();
    struct img_disk disk;
    struct kept kept, other;
    struct mir_error err = {0};
    assert_int_equal(img_disk_init(&disk, 25 << 20, &err), 0);
    assert_int_equal(img_disk_input(&disk, 1 << 20, 0, INPUT_BYTES, &err), 0);
    assert_int_equal(img_disk_seal(&disk, &err), 0);
    assert_int_equal(bundle_of(&b, &disk, in, &kept, &err), 0);
    assert_int_equal(kept.count, 4);
    judge(&kept, &disk, in, *state);
    b.random[0] ^= 1;
    assert_int_equal(bundle_of(&b, &disk, in, &other, &err), 0);
    assert_memory_not_equal(kept.files[0].bytes, other.files[0].bytes, IMG_BUNDLE_PART_BYTES);
    char *xml = (char *)kept.files[3].bytes;
    *strstr(xml, "123456789012") = '2';
    assert_false(signature_holds(xml));
    kept_clear(&kept);
    kept_clear(&other);
    img_disk_clear(&disk);
    close(in);
}

/* --- what is refused --- */

static void expect_refused(const struct img_bundle *b, uint64_t size, enum mir_kind kind)
{
    struct img_disk disk;
    struct kept kept;
    struct mir_error err = {0};
    assert_int_equal(img_disk_init(&disk, size, &err), 0);
    assert_int_equal(img_disk_seal(&disk, &err), 0);
    assert_int_equal(bundle_of(b, &disk, -1, &kept, &err), -1);
    assert_int_equal(err.kind, kind);
    assert_int_equal(kept.count, 0);
    img_disk_clear(&disk);
}

static void test_bad_words(void **state)
{
    static const char *const names[] = {NULL, "", "a/b", ".img", "a b", "a<b"};
    static const char *const accounts[] = {NULL, "", "123", "1234567890123", "12345678901x"};
    static const char *const kernels[] = {"", "ami-1", "aki-<"};
    struct img_bundle b;
    (void)state;
    for (unsigned i = 0; i < MIR_NELEMS(names); i++) {
        b = options();
        b.name = names[i];
        expect_refused(&b, 512, MIR_USAGE);
    }
    for (unsigned i = 0; i < MIR_NELEMS(accounts); i++) {
        b = options();
        b.account = accounts[i];
        expect_refused(&b, 512, MIR_USAGE);
    }
    for (unsigned i = 0; i < MIR_NELEMS(kernels); i++) {
        b = options();
        b.kernel_id = kernels[i];
        expect_refused(&b, 512, MIR_USAGE);
    }
    b = options();
    b.arch = MIR_ARCH_AARCH64;
    expect_refused(&b, 512, MIR_USAGE);
    b = options();
    expect_refused(&b, IMG_BUNDLE_DISK_MAX + 512, MIR_USAGE);
}

static void test_bad_keys(void **state)
{
    struct who curve;
    struct img_bundle b;
    (void)state;
    who_init(&curve, EVP_EC_gen("P-256"));
    const struct {
        const char *certificate, *key, *ec2;
    } bad[] = {
        {NULL, user.key_pem, ec2.certificate_pem},
        {"", user.key_pem, ec2.certificate_pem},
        {user.key_pem, user.key_pem, ec2.certificate_pem},
        {user.certificate_pem, user.certificate_pem, ec2.certificate_pem},
        {user.certificate_pem, ec2.key_pem, ec2.certificate_pem}, /* of another */
        {user.certificate_pem, user.key_pem, "nothing"},
        {user.certificate_pem, user.key_pem, curve.certificate_pem},
        {curve.certificate_pem, curve.key_pem, ec2.certificate_pem},
        {user.certificate_pem, NULL, ec2.certificate_pem},
    };
    for (unsigned i = 0; i < MIR_NELEMS(bad); i++) {
        b = options();
        b.certificate_pem = bad[i].certificate;
        b.key_pem = bad[i].key;
        b.ec2_certificate_pem = bad[i].ec2;
        expect_refused(&b, 512, MIR_CREDENTIALS);
    }
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, user.key, EVP_aes_128_cbc(),
                                              (const unsigned char *)"word", 4, NULL, NULL),
                     1);
    char *locked = pem_text(bio);
    b = options();
    b.key_pem = locked;
    expect_refused(&b, 512, MIR_CREDENTIALS);
    free(locked);
    who_clear(&curve);
}

static int full(void *ctx, const char *name, const void *bytes, size_t len, struct mir_error *err)
{
    (void)ctx, (void)bytes, (void)len;
    return mir_fail(err, MIR_NO_SPACE, "no room for %s", name);
}

static void test_the_sink_has_its_say(void **state)
{
    struct img_bundle b = options();
    struct img_disk disk;
    struct img_input input;
    struct mir_error err = {0};
    const struct img_bundle_sink sink = {.file = full};
    (void)state;
    img_input_init(&input, -1);
    assert_int_equal(img_disk_init(&disk, 512, &err), 0);
    assert_int_equal(img_disk_seal(&disk, &err), 0);
    assert_int_equal(img_bundle_write(&b, &disk, &input, &sink, &err), -1);
    assert_int_equal(err.kind, MIR_NO_SPACE);
    assert_string_equal(err.text, "no room for " NAME ".part.0");
    img_disk_clear(&disk);
}

/* Sizes on both sides of what tar's octal digits hold, as the machine's tar reads them. */
static void test_tar_of_large_files(void **state)
{
    static const uint64_t sizes[] = {512, ((uint64_t)1 << 33) - 512, (uint64_t)1 << 33,
                                     IMG_BUNDLE_DISK_MAX};
    char *path = mir_format("%s/large.tar", (const char *)*state);
    char *said = mir_format("%s/said", (const char *)*state);
    for (unsigned i = 0; i < MIR_NELEMS(sizes); i++) {
        unsigned char header[IMG_TAR_BLOCK];
        char *text,
            *want = mir_format("-rw-r--r-- root/root %llu 1970-", (unsigned long long)sizes[i]);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        img_tar_header(header, NAME, sizes[i]);
        assert_int_equal(mir_write_all(fd, header, sizeof header), 0);
        assert_int_equal(ftruncate(fd, (off_t)(sizes[i] + 3 * IMG_TAR_BLOCK)), 0);
        close(fd);
        run_tar(*state, "-tvf", path);
        assert_int_equal(mir_file_read(said, 4096, &text, NULL, NULL), 0);
        for (char *p; (p = strstr(text, "  "));) /* its columns have room for longer ones */
            memmove(p, p + 1, strlen(p));
        if (strncmp(text, want, strlen(want)) || !strstr(text, NAME))
            fail_msg("%s", text);
        free(text);
        free(want);
    }
    free(path);
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_undone, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_several_parts, scratch_make, scratch_remove),
        cmocka_unit_test(test_bad_words),
        cmocka_unit_test(test_bad_keys),
        cmocka_unit_test(test_the_sink_has_its_say),
        cmocka_unit_test_setup_teardown(test_tar_of_large_files, scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
