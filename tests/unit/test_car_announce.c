/* SPDX-License-Identifier: ISC */
/* What the carrier says to a registry, to a name server, and what it reads of their answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "announce_text.h"
#include "bytes.h"
#include "dns.h"
#include "text.h"

static void targets(void **state)
{
    struct car_target t;
    struct car_why why;

    assert_int_equal(car_target_read("http://10.0.0.1:8420/v1/announce", &t, &why), 0);
    assert_string_equal(t.host, "10.0.0.1");
    assert_string_equal(t.path, "/v1/announce");
    assert_int_equal(t.port, 8420);
    assert_int_equal(t.ip, 0x0a000001);
    assert_int_equal(car_target_read("http://registry.example", &t, &why), 0);
    assert_string_equal(t.path, "/");
    assert_int_equal(t.port, 80);
    assert_int_equal(t.ip, 0);
    assert_int_equal(car_target_read("http://1.2.3.4.5/", &t, &why), 0);
    assert_int_equal(t.ip, 0); /* a name, then */
    assert_int_equal(car_target_read("http://1.2.3.256/", &t, &why), 0);
    assert_int_equal(t.ip, 0);
}

static void bad_targets(void **state)
{
    static const char *const table[] = {
        "",
        "ftp://h/",
        "http://",
        "http:///x",
        "http://h:0/",
        "http://h:/",
        "http://h:65536/",
        "http://h:8x/",
        "http://h\n/x",
        "http://h/\xc3\xa4",
        "http://h/a b",
    };
    struct car_target t;
    struct car_why why;
    char large[700] = "http://";

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (car_target_read(table[i], &t, &why) == 0)
            fail_msg("'%s' is taken", table[i]);
    assert_int_equal(car_target_read("https://h/", &t, &why), -1);
    assert_non_null(strstr(why.text, "TLS"));
    memset(large + 7, 'h', 256);
    assert_int_equal(car_target_read(large, &t, &why), -1);
    large[10] = '/';
    assert_int_equal(car_target_read(large, &t, &why), 0);
    memset(large + 7, 'h', 300);
    large[10] = '/';
    assert_int_equal(car_target_read(large, &t, &why), -1);
}

static void request(void **state)
{
    struct car_net_config config = {
        .name = "a\"b\\\n", .token = "t", .ports = {{53, true}, {8000, false}}, .ports_n = 2};
    struct car_target target = {.host = "h", .path = "/p", .port = 80};
    char text[CAR_REQUEST_BYTES];
    size_t len = car_announce_write(&config, &target, 0x0a000205, text);

    assert_string_equal(text, "POST /p HTTP/1.1\r\nHost: h\r\nUser-Agent: mirage-carrier\r\n"
                              "Content-Type: application/json\r\nContent-Length: 66\r\n"
                              "Connection: close\r\n\r\n"
                              "{\"name\":\"a\\\"b\\\\\\u000a\",\"url\":\"http://10.0.2.5:8000/\","
                              "\"token\":\"t\"}\n");
    assert_int_equal(len, strlen(text));
    config.url = "https://site.example/";
    config.kernel = "mirage";
    config.ports_n = 0;
    target.port = 81;
    assert_true(car_announce_write(&config, &target, 0x0a000205, text) > 0);
    assert_non_null(strstr(text, "Host: h:81\r\n"));
    assert_non_null(strstr(text, "\"url\":\"https://site.example/\""));
    assert_non_null(strstr(text, "\"kernel\":\"mirage\"}\n"));
    assert_int_equal(car_guest_port(&config), 80);
}

static void request_too_long(void **state)
{
    char name[2000];
    struct car_net_config config = {.name = name};
    struct car_target target = {.host = "h", .path = "/p", .port = 80};
    char text[CAR_REQUEST_BYTES];

    memset(name, '\n', sizeof name - 1); /* six bytes each in JSON */
    name[sizeof name - 1] = '\0';
    assert_int_equal(car_announce_write(&config, &target, 1, text), 0);
    name[100] = '\0';
    assert_true(car_announce_write(&config, &target, 1, text) > 0);
}

static void status(void **state)
{
    static const struct {
        const char *text;
        int status;
    } table[] = {
        {"", 0},
        {"HTTP/1.1 20", 0},
        {"HTTP/1.1 202", 202},
        {"HTTP/1.0 409 Co", 409},
        {"HTTP/2", -1},
        {"SSH-2.0-Open", -1},
        {"HTTP/1.1 2x2", -1},
        {"HTTP/1.1 999", -1},
        {"HTTP/1.1x202", -1},
        {"HTTP/1.1 099", -1},
        {"h", -1},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (car_status_read(table[i].text, strlen(table[i].text)) != table[i].status)
            fail_msg("'%s'", table[i].text);
}

/* --- names --- */

static void name_asked(void **state)
{
    static const uint8_t expected[] = {0x12, 0x34, 1,   0,   0,   1,   0,   0,   0, 0, 0, 0, 1, 'a',
                                       7,    'e',  'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1};
    uint8_t message[CAR_DNS_BYTES];
    char label[80];

    assert_int_equal(car_dns_write("a.example", 0x1234, message), sizeof expected);
    assert_memory_equal(message, expected, sizeof expected);
    assert_int_equal(car_dns_write("a.example.", 0x1234, message), sizeof expected);
    assert_int_equal(car_dns_write("", 1, message), 0);
    assert_int_equal(car_dns_write("a..b", 1, message), 0);
    memset(label, 'x', 64);
    label[64] = '\0';
    assert_int_equal(car_dns_write(label, 1, message), 0);
}

static void name_answered(void **state)
{
    static const uint8_t records[] = {0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 14, /* CNAME */
                                      0xc0, 14, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10,   9,  8, 7};
    uint8_t question[CAR_DNS_BYTES], message[CAR_DNS_BYTES];
    size_t asked = car_dns_write("a.example", 0x1234, question);
    size_t len = asked + sizeof records;
    uint32_t ip = 0;

    memcpy(message, question, asked);
    memcpy(message + asked, records, sizeof records);
    message[2] = 0x81;
    message[7] = 2;
    assert_int_equal(car_dns_read(message, len, question, asked, &ip), CAR_DNS_ADDRESS);
    assert_int_equal(ip, 0x0a090807);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut + 1);

        assert_non_null(exact);
        memcpy(exact, message, cut);
        assert_int_equal(car_dns_read(exact, cut, question, asked, &ip),
                         cut < asked ? CAR_DNS_NOT_OURS : CAR_DNS_NONE);
        free(exact);
    }
    message[7] = 1;
    assert_int_equal(car_dns_read(message, len, question, asked, &ip), CAR_DNS_NONE);
    message[1] ^= 1; /* somebody else's number */
    assert_int_equal(car_dns_read(message, len, question, asked, &ip), CAR_DNS_NOT_OURS);
    message[1] ^= 1;
    message[13] = 'b'; /* somebody else's question */
    assert_int_equal(car_dns_read(message, len, question, asked, &ip), CAR_DNS_NOT_OURS);
    message[13] = 'a';
    message[2] = 1; /* a question itself */
    assert_int_equal(car_dns_read(message, len, question, asked, &ip), CAR_DNS_NOT_OURS);
}

static void reasons(void **state)
{
    struct car_why why;
    char ip[CAR_IP_TEXT];
    char large[300];

    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert_int_equal(car_why_errno(&why, "%s", large), -1);
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
    assert_string_equal(car_ip_text(UINT32_MAX, ip), "255.255.255.255");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets),       cmocka_unit_test(bad_targets),
        cmocka_unit_test(request),       cmocka_unit_test(request_too_long),
        cmocka_unit_test(status),        cmocka_unit_test(name_asked),
        cmocka_unit_test(name_answered), cmocka_unit_test(reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
