import type { FieldNames } from './wire-reader';

/** Field numbers of onnx.proto that are decoded here, by message; all others are kept as bytes. */
export const MODEL: FieldNames = {
  1: 'ir_version',
  2: 'producer_name',
  3: 'producer_version',
  4: 'domain',
  5: 'model_version',
  6: 'doc_string',
  7: 'graph',
  8: 'opset_import',
  14: 'metadata_props',
  20: 'training_info',
  25: 'functions',
  26: 'configuration'
};

export const GRAPH: FieldNames = {
  1: 'node',
  2: 'name',
  5: 'initializer',
  10: 'doc_string',
  11: 'input',
  12: 'output',
  13: 'value_info',
  14: 'quantization_annotation',
  15: 'sparse_initializer',
  16: 'metadata_props'
};

export const NODE: FieldNames = {
  1: 'input',
  2: 'output',
  3: 'name',
  4: 'op_type',
  5: 'attribute',
  6: 'doc_string',
  7: 'domain',
  8: 'overload',
  9: 'metadata_props'
};

export const ATTRIBUTE: FieldNames = {
  1: 'name',
  2: 'f',
  3: 'i',
  4: 's',
  5: 't',
  6: 'g',
  7: 'floats',
  8: 'ints',
  9: 'strings',
  10: 'tensors',
  11: 'graphs',
  20: 'type',
  21: 'ref_attr_name'
};

export const TENSOR: FieldNames = {
  1: 'dims',
  2: 'data_type',
  3: 'segment',
  4: 'float_data',
  5: 'int32_data',
  6: 'string_data',
  7: 'int64_data',
  8: 'name',
  9: 'raw_data',
  10: 'double_data',
  11: 'uint64_data',
  12: 'doc_string',
  13: 'external_data',
  14: 'data_location'
};

export const VALUE_INFO: FieldNames = { 1: 'name', 2: 'type', 3: 'doc_string', 4: 'metadata_props' };
export const TYPE: FieldNames = { 1: 'tensor_type', 6: 'denotation' };
export const TENSOR_TYPE: FieldNames = { 1: 'elem_type', 2: 'shape' };
export const SHAPE: FieldNames = { 1: 'dim' };
export const DIM: FieldNames = { 1: 'dim_value', 2: 'dim_param', 3: 'denotation' };

export const FUNCTION: FieldNames = {
  1: 'name',
  4: 'input',
  5: 'output',
  6: 'attribute',
  7: 'node',
  9: 'opset_import',
  10: 'domain',
  11: 'attribute_proto'
};

export const OPSET: FieldNames = { 1: 'domain', 2: 'version' };
export const ENTRY: FieldNames = { 1: 'key', 2: 'value' };
