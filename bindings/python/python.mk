# The Python package diffy: its wheel (build/python/dist), unpacked for the tests (build/python/site).

PYTHON      ?= $(firstword $(wildcard /usr/bin/python3) python3)
PYTHON_SITE := build/python/site
PYTHON_FILES := $(wildcard bindings/python/*.py bindings/python/*.toml bindings/python/README.md bindings/python/native/*.[ch] \
    $(foreach depth,* */* */*/*,bindings/python/diffy/$(depth).py bindings/python/diffy/$(depth).pyi))

.PHONY: python python-package
python: setup
	@tests/run python

python-package: $(PYTHON_SITE)/diffy/__init__.py

# setup.py calls make for the library and the command line: that the latter is there by then keeps two makes from writing
# the same files.
$(PYTHON_SITE)/diffy/__init__.py: $(PYTHON_FILES) $(B)/diffy
	$(call say,WHEEL)
	@rm -rf build/python/dist $(PYTHON_SITE) bindings/python/build
	$(Q)$(PYTHON) -m pip wheel -q --no-deps --no-build-isolation --disable-pip-version-check \
	    -w build/python/dist bindings/python
	$(Q)$(PYTHON) -m pip install -q --no-deps --no-index --root-user-action=ignore --disable-pip-version-check \
	    --target $(PYTHON_SITE) build/python/dist/*.whl
	@touch $@
