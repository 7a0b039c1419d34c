/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of the module: one tombolo_device for each PCI device that is bound, one tombolo_file for
 * each open file. A device lives as long as its last file; `alive` guards whether there still is
 * hardware behind it.
 *
 * Locks, outermost first: device->alive, file->lock, vector->lock (taken by interrupts too).
 */
#ifndef TOMBOLO_H
#define TOMBOLO_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/eventfd.h>
#include <linux/list.h>
#include <linux/memremap.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/version.h>

#include "tombolo_uapi.h"

#define TOMBOLO_MOST_DEVICES 64
#define TOMBOLO_MOST_VECTORS 256 /* QEMU masks the vector of a doorbell to 8 bits. */

struct tombolo_vector {
	spinlock_t lock;
	struct list_head listeners; /* struct tombolo_listener */
};

struct tombolo_listener {
	struct list_head node;
	struct eventfd_ctx *eventfd; /* NULL: not in the list. */
};

struct tombolo_device {
	struct device dev;
	struct cdev cdev;
	struct rw_semaphore alive; /* Readers use the hardware; the writer takes it away. */
	bool gone;		   /* Under `alive`. */
	struct pci_dev *pdev;
	void __iomem *registers;
	struct dev_pagemap pages; /* BAR2 has struct pages: see tombolo_memory.c. */
	u64 memory_bytes;
	u32 slot;
	unsigned int vectors;
	struct tombolo_vector *vector;
	struct mutex inode_lock; /* Guards the setting of `inode`. */
	struct inode
		*inode; /* Whose mapping all files share, so that unplugging finds all of them. */
};

struct tombolo_file {
	struct tombolo_device *device;
	struct mutex lock; /* Guards all below. */
	struct tombolo_rights rights;
	u32 mapping;
	struct tombolo_listener *listener; /* One for each vector. */
};

extern const struct file_operations tombolo_file_operations;

/* tombolo_irq.c */
int tombolo_irq_start(struct tombolo_device *device);
void tombolo_irq_stop(struct tombolo_device *device);
int tombolo_listen(struct tombolo_file *file, const struct tombolo_eventfd *request);
void tombolo_listen_end(struct tombolo_file *file);

/* tombolo_memory.c */
int tombolo_memory_start(struct tombolo_device *device);
void tombolo_memory_stop(struct tombolo_device *device);
int tombolo_memory_map(struct tombolo_file *file, struct vm_area_struct *vma);

#endif
