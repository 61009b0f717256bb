"""Where each fault that was once found by mutations, kills, full disks and concurrent use is tested.

The table names one test, or several, for each kind of fault; the test below checks that they exist.
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

CASES = {
    "two extractions into one store at the same time": [
        "extraction/test_job.py::test_a_second_extraction_is_refused_and_takes_nothing_from_the_first",
        "extraction/test_job.py::test_the_lock_is_held_until_the_shards_are_joined",
    ],
    "a store of one file is opened while it is replaced": [
        "features/store/test_reader.py::test_a_store_that_is_replaced_while_it_is_opened_is_the_old_or_the_new_one",
    ],
    "a store is cut off while it is open": [
        "features/store/test_reader.py::test_a_file_that_is_cut_off_while_it_is_open_is_an_error_and_no_signal",
    ],
    "a kill between the join of shards and their removal": [
        "extraction/test_job.py::test_a_run_killed_between_the_join_and_the_removal_of_the_shards_is_ended_by_the_next",
    ],
    "a video that ends too early": [
        "video/test_completeness.py::test_a_file_that_was_cut_off_is_refused",
    ],
    "a stream or fragments that end within a packet, a frame or an index": [
        "video/test_completeness.py::test_a_fragment_without_its_data_is_refused",
        "video/test_completeness.py::test_a_file_without_its_last_fragments_is_refused_by_their_index",
        "video/test_completeness.py::test_frames_of_y4m_have_the_size_of_their_pixel_format",
    ],
    "a kill while a model folder is written": [
        "test_files.py::test_files_that_belong_together_are_never_mixed_by_a_kill",
        "models/test_model_folder.py::test_a_save_that_stops_leaves_no_model_of_two",
    ],
    "one cell of an ablation that fails or dies": [
        "experiments/test_sweep.py::test_no_error_of_a_task_ends_the_sweep",
        "experiments/test_sweep.py::test_a_process_that_dies_costs_one_task_and_the_others_are_run",
    ],
    "a name that is no id, in a folder": [
        "extraction/test_job.py::test_a_name_that_is_no_id_fails_alone",
        "commands/test_extract.py::test_names_that_do_not_print_are_reported_escaped",
    ],
    "pipes, devices, sockets, folders and loops of links": [
        "test_special_files.py::test_it_is_refused_at_once",
        "video/test_video_file.py::test_a_pipe_in_a_folder_is_one_failure",
    ],
    "very large and very long frames": [
        "extraction/extractors/test_image_transforms.py::test_of_a_long_frame_only_the_middle_is_computed",
        "extraction/test_engine.py::test_large_items_wait_one_batch_at_a_time",
        "video/test_limits.py::test_decoded_frames_are_freed_as_soon_as_they_were_read",
    ],
    "files that claim to be large": [
        "video/test_limits.py::test_a_file_that_claims_to_be_large_is_refused_at_once",
    ],
    "tags that are not UTF-8; errors of the library below": [
        "video/test_video_file.py::test_tags_that_are_not_utf_8_are_no_obstacle",
        "video/test_video_file.py::test_every_kind_of_error_below_becomes_one_sentence",
    ],
    "a full disk and a folder that cannot be written": [
        "commands/test_commands.py::test_a_full_disk_during_train_is_one_sentence_and_it_goes_on_later",
        "commands/test_commands.py::test_a_full_disk_during_evaluate_is_one_sentence_and_it_goes_on_later",
        "training/test_edges.py::test_a_disk_that_is_full_is_one_sentence_and_the_run_goes_on_later",
        "test_files.py::test_a_read_only_file_system_is_a_write_error",
        "features/store/test_writer.py::test_no_room_on_the_disk",
        "test_full_disk.py::test_what_cannot_be_written_leaves_what_was_there",
    ],
    "changed bytes in a store": [
        "fuzz/test_bench.py::test_no_mutated_file_is_a_finding",
        "features/store/test_hostile.py::test_changed_values_are_found_by_checksums",
    ],
    "JSON that is deep, large or not Unicode": [
        "parsing/test_json_text.py::test_what_is_refused_names_file_and_line",
        "video/test_ids.py::test_ids_that_are_refused_are_shown_escaped",
    ],
    "a model folder that asks for huge sizes, or holds NaN": [
        "models/test_bounds.py::test_huge_arguments_are_refused_quickly_and_without_memory",
        "models/test_bounds.py::test_weights_that_are_not_finite_are_refused",
        "models/test_bounds.py::test_a_tokenizer_with_other_rules_or_numbers_is_refused",
    ],
    "NaN in grids, weights and resume points": [
        "features/store/test_validate.py::test_each_planted_fault_is_found_and_no_other",
        "training/test_edges.py::test_weights_that_are_not_finite_are_no_model",
        "training/test_checkpoints.py::test_an_optimizer_with_infinite_numbers_is_named",
    ],
    "wrong arguments of public callables": [
        "misuse/test_misuse.py::test_wrong_calls_raise_our_errors",
        "test_followed_remedies.py::test_a_gpu_that_is_not_there",
    ],
    "HDF5 types that hold pointers, links, virtual and external arrays in a store": [
        "features/store/test_hostile.py::test_hostile_array_is_refused_by_reader_validate_and_merge",
    ],
    "the same in files that are imported": [
        "features/importers/test_keyed_hdf5.py::test_links_to_other_files_are_not_followed",
        "features/importers/test_keyed_hdf5.py::test_links_within_a_file_are_followed_but_not_through_one_to_another",
        "features/importers/test_keyed_hdf5.py::test_values_in_another_file_are_refused",
    ],
    "files to be written that are links": [
        "test_files.py::test_refuses_to_replace_a_symbolic_link",
        "test_files.py::test_nothing_in_the_package_writes_but_by_these_helpers",
        "extraction/test_job.py::test_links_beside_the_store_are_refused",
        "features/store/test_lock.py::test_a_lock_file_that_is_a_link_or_a_pipe_is_neither_followed_nor_waited_for",
    ],
    "an import that was killed": [
        "commands/test_store_import.py::test_an_import_that_stops_is_no_store_and_goes_on",
    ],
    "configurations with interpolations, tags and aliases": [
        "settings/test_safe_yaml.py::test_hostile_file_is_refused_without_a_word_of_the_environment",
    ],
    "two trainings into one folder": [
        "training/test_edges.py::test_a_second_training_in_a_folder_is_refused"
    ],
    "a text that names another video": [
        "video/test_video_file.py::test_a_text_that_names_other_files_is_no_video",
    ],
    "a damaged or malicious checkpoint": [
        "training/test_resume_edges.py::test_a_spoilt_checkpoint_is_refused_in_one_sentence",
        "extraction/extractors/test_weights.py::test_nothing_in_a_file_is_run",
    ],
    "a key twice among 50,000": [
        "parsing/test_json_text.py::test_a_key_that_comes_twice_among_50_000_is_found_at_once",
    ],
    "Java after its parent was killed": [
        "metrics/test_java.py::test_no_process_is_left",
        "metrics/test_java.py::test_a_program_that_is_still_loading_dies_with_its_parent",
    ],
    "permissions of model.safetensors": [
        "test_files.py::test_gives_the_permissions_of_a_new_file_to_a_file_that_a_writer_made_private",
    ],
    "interrupts while files of others exist": [
        "nn/conv/test_conv_block.py::test_an_interrupt_leaves_no_generated_files",
        "commands/test_dropped_interrupt.py::test_an_interrupt_leaves_no_file_by_which_python_chooses_the_temporary_folder",
    ],
    "generated data whose process was killed": [
        "datasets/interactions/test_preparing.py::test_what_is_killed_halfway_is_not_taken_for_whole",
    ],
}


@pytest.mark.parametrize("case", list(CASES))
def test_each_fault_has_its_test(case):
    for name in CASES[case]:
        file, _, function = name.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert function in functions, f"{file} has no {function}"
