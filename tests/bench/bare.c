/* SPDX-License-Identifier: ISC */
/*
 * bare PORT MIB: what an upload of so much cannot do without, and nothing else: each block of 512
 * KiB gets its SHA-256 and goes over one connection to the loopback, the next one when the answer
 * has come. The limit that tests/ec2/upload_cost.c is held against.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BLOCK ((size_t)512 << 10)

static int connected(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) ? -1 : fd;
}

static int send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int put(int fd, uint64_t index, const char *block)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char head[256], answer[1024];
    SHA256((const unsigned char *)block, BLOCK, digest);
    int len = snprintf(head, sizeof head,
                       "PUT /snapshots/s/blocks/%llu HTTP/1.1\r\nHost: x\r\nX-Digest: %02x%02x\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       (unsigned long long)index, digest[0], digest[31], BLOCK);
    if (send_all(fd, head, (size_t)len) || send_all(fd, block, BLOCK))
        return -1;
    return recv(fd, answer, sizeof answer, 0) > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    int fd = argc == 3 ? connected(atoi(argv[1])) : -1;
    char *block = calloc(1, BLOCK);
    if (fd < 0 || !block) {
        fprintf(stderr, "usage: %s PORT MIB\n", argv[0]);
        return 2;
    }
    uint64_t blocks = strtoull(argv[2], NULL, 10) * 2;
    for (uint64_t i = 0; i < blocks; i++) {
        memcpy(block, &i, sizeof i); /* no two are alike */
        if (put(fd, i, block)) {
            perror("bare");
            return 1;
        }
    }
    free(block);
    return 0;
}
