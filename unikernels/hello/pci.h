/* SPDX-License-Identifier: ISC */
/*
 * PCI configuration space through the ports 0xCF8 and 0xCFC: finding a device and reading and
 * writing its registers. A device is named by its address (bus, device, function in one word).
 */
#ifndef HELLO_PCI_H
#define HELLO_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_COMMAND 0x04
#define PCI_BAR0 0x10
#define PCI_IRQ_LINE 0x3c

#define PCI_COMMAND_IO 0x1
#define PCI_COMMAND_MASTER 0x4

uint32_t pci_read(uint32_t address, uint8_t reg);
void pci_write(uint32_t address, uint8_t reg, uint32_t value);
/* The first function with this vendor (low half) and device (high half). */
bool pci_find(uint32_t id, uint32_t *ret_address);

#endif
