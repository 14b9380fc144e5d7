/**
 * Training and running a network on TensorFlow.js, on whatever backend was chosen. Loaded in the neural thread only: the library costs some
 * 60 MB, which the thread gives back when it ends.
 */
import { memory, type Tensor, tensor1d, tensor2d, train } from '@tensorflow/tfjs-core';
import { layers, type Sequential, sequential } from '@tensorflow/tfjs-layers';
import { type Weights, widthsOf } from './weights.ts';

export interface Network {
  /** One step of Adam towards `targets`; both row by row. Returns the loss before it. */
  learn(inputs: Float32Array, targets: Float32Array): Promise<number>;
  /** Row by row. */
  predict(inputs: Float32Array): Float32Array;
  weights(): Weights;
  dispose(): void;
}

export interface NetworkShape {
  /** Of the last layer: chances between 0 and 1, or any number. */
  output: 'sigmoid' | 'linear';
  learningRate: number;
}

export function createNetwork(weights: Weights, shape: NetworkShape): Network {
  const widths = widthsOf(weights);
  const [inputWidth = 0] = widths;
  const outputWidth = widths.at(-1) ?? 0;
  const model = emptyModel(widths, shape);
  const given = weights.flatMap(({ inputs, outputs, kernel, bias }) => [tensor2d(kernel, [inputs, outputs]), tensor1d(bias)]);
  model.setWeights(given);
  for (const tensor of given) tensor.dispose();
  const optimizer = train.adam(shape.learningRate);
  model.compile({ optimizer, loss: shape.output === 'sigmoid' ? 'binaryCrossentropy' : 'meanAbsoluteError' });
  return {
    async learn(inputs, targets) {
      const rows = inputs.length / inputWidth;
      const x = tensor2d(inputs, [rows, inputWidth]);
      const y = tensor2d(targets, [rows, outputWidth]);
      const loss = (await model.trainOnBatch(x, y)) as number;
      x.dispose();
      y.dispose();
      return loss;
    },
    predict(inputs) {
      const x = tensor2d(inputs, [inputs.length / inputWidth, inputWidth]);
      const y = model.predictOnBatch(x) as Tensor;
      const out = y.dataSync() as Float32Array;
      x.dispose();
      y.dispose();
      return Float32Array.from(out);
    },
    weights() {
      const tensors = model.getWeights();
      return weights.map(({ inputs, outputs }, i) => ({
        inputs,
        outputs,
        kernel: Float32Array.from((tensors[2 * i] as Tensor).dataSync()),
        bias: Float32Array.from((tensors[2 * i + 1] as Tensor).dataSync()),
      }));
    },
    dispose() {
      model.dispose();
      optimizer.dispose();
    },
  };
}

function emptyModel(widths: readonly number[], { output }: NetworkShape): Sequential {
  const model = sequential();
  widths.slice(1).forEach((units, i) => {
    const isLast = i === widths.length - 2;
    const activation = isLast ? output : 'relu';
    // What would be random here is replaced by the weights given.
    const start = { kernelInitializer: 'zeros' as const, biasInitializer: 'zeros' as const };
    model.add(layers.dense({ units, activation, ...start, ...(i === 0 && { inputShape: [widths[0] as number] }) }));
  });
  return model;
}

/** Tensors alive, for a test that none is forgotten. */
export function tensorsAlive(): number {
  return memory().numTensors;
}
